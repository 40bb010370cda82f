# Makes of `tidemark --help` what help2man takes for sections and lists of options.
1i Usage: tidemark COMMAND [OPTION...]\n
1,/^Says what/{/^Says what/!d;}
s/^  tidemark ([a-z]+): /  \1   /
s/^ ([A-Z].*):$/\1:/
s/(=[^ ]+) ([A-Z])/\1   \2/
/^Mandatory or optional/,/^$/d
/^A command after/,$d
p
