# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
#
# Completion of imapsyncctl for bash. What there is to complete, the program itself says: "help" lists
# the commands, "help COMMAND" shows the arguments of one. So this cannot lag behind it.

_imapsyncctl_ask() {
    LC_ALL=C "$1" "${@:2}" 2>/dev/null
}

# The arguments of a command, as in a synopsis.
_imapsyncctl_usage() {
    _imapsyncctl_ask "$1" help "$2" | sed -n 's/^Usage: imapsyncctl [a-z-]* //p'
}

# What may stand where the cursor is, one on a line: _imapsyncctl_candidates PROGRAM WORD...
# The words are those before the cursor's.
_imapsyncctl_candidates() {
    local program=$1 command=$2 last=${!#} usage
    if [[ $# -eq 1 ]]; then
        _imapsyncctl_ask "$program" help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'
        printf '%s\n' --help --version
        return
    fi
    usage=$(_imapsyncctl_usage "$program" "$command")
    if [[ $last == --* && $usage == *"$last "[A-Z]* ]]; then
        return
    fi
    printf '%s\n' --help
    grep -o -e '--[a-z-]*' <<<"$usage"
    if [[ $usage == *'[remote|local]'* && $# -eq 3 ]]; then
        printf '%s\n' remote local
    elif [[ $usage == *COMMAND* && $# -eq 2 ]]; then
        _imapsyncctl_ask "$program" help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'
    elif [[ $command == add ]]; then
        return # the name is a new one
    elif [[ $usage == *'[NAME]'[!\ ]* || ($usage == *NAME* && $# -eq 2) ]]; then
        _imapsyncctl_ask "$program" list
    fi
}

_imapsyncctl() {
    local line=${COMP_LINE:0:COMP_POINT} current='' before
    local -a words
    read -r -a words <<<"$line"
    if [[ $line != *[[:space:]] ]]; then
        current=${words[-1]}
        unset 'words[-1]'
    fi
    # To bash, a word of the command line also ends behind an @, which a name may hold.
    before=${current%"${current##*[@=:]}"}
    mapfile -t COMPREPLY < <(compgen -W "$(_imapsyncctl_candidates "${words[@]}")" -- "$current")
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
}

complete -F _imapsyncctl imapsyncctl
