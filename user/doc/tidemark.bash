# bash completion for tidemark. What it offers is what `tidemark --help` tells.
# shellcheck shell=bash

_tidemark_options()
{
	tidemark --help 2>/dev/null | grep -oE -- '(^|[ ,])--[a-z-]+' | grep -oE -- '--[a-z-]+' |
		sort -u
}

_tidemark_commands()
{
	tidemark --help 2>/dev/null | sed -n 's/^  tidemark \([a-z]*\): .*/\1/p'
}

# What of the words $1 goes on with the last item of a list with commas, behind those before it.
_tidemark_list()
{
	local before=

	[[ $2 == *,* ]] && before=${2%,*},
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${2##*,}")
}

_tidemark()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} i

	COMPREPLY=()
	# bash takes --format=csv for three words
	if [[ $current == = ]]; then
		current=
	elif [[ $previous == = ]] && ((COMP_CWORD > 2)); then
		previous=${COMP_WORDS[COMP_CWORD-2]}
	fi
	# behind -- there is a command of its own
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			if ((COMP_CWORD == i + 1)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$current")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$current")
			fi
			return
		fi
	done
	case $previous in
	-p | --pid)
		mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$current")
		return
		;;
	-n | --name)
		mapfile -t COMPREPLY < <(compgen -W "$(cat /proc/[0-9]*/comm 2>/dev/null)" -- "$current")
		return
		;;
	--format)
		_tidemark_list "$(tidemark --format help 2>/dev/null | awk '{ print $1 }')" "$current"
		return
		;;
	--fail-on)
		_tidemark_list "leak $(tidemark --fail-on help 2>/dev/null | awk '{ print $1 }')" \
			"$current"
		return
		;;
	--export)
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		return
		;;
	-o | --output | replay | info | diff)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tidemark_options)" -- "$current")
	elif ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_tidemark_commands)" -- "$current")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	fi
}

complete -o filenames -F _tidemark tidemark
