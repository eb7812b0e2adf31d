# Made by "npm run manual" from the command table: change that.
_logcalld() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word words='' second='' files='' skip='' plain=()
  COMPREPLY=()
  case $previous in
    --config | -c | --cdr | --cel | --ledger)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --since | --until | --source | -s | --limit | --state | --direction | --number | --after | --port | -p) return ;;
  esac
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [ -n "$skip" ]; then skip=''; continue; fi
    case $word in
      --config | -c | --since | --until | --source | -s | --limit | --state | --direction | --number | --after | --cdr | --cel | --port | -p | --ledger) skip=yes ;;
      -*) ;;
      *) plain+=("$word") ;;
    esac
  done
  if [ ${#plain[@]} = 0 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'demo run check-config status gaps backfill pause resume reload acknowledge calls replay users sessions backup restore salvage erase capture inspect sandbox version --version -v help --help' -- "$current")
    return
  fi
  case ${plain[0]} in
    calls) second='list show replay' ;;
    sessions) second='rederive' ;;
  esac
  [ ${#plain[@]} = 1 ] || { case " $second " in *" ${plain[1]} "*) plain[0]+=" ${plain[1]}" second='' ;; esac; }
  case ${plain[0]} in
    "demo") words='--help' ;;
    "run") words='--config --help' ;;
    "check-config") words='--config --offline --all --help' ;;
    "status") words='--config --json --help' ;;
    "gaps") words='--config --since --until --source --calls --limit --numbers --json --help' ;;
    "backfill") words='--config --source --since --until --dry-run --numbers --json --help' ;;
    "pause") words='--config --help' ;;
    "resume") words='--config --help' ;;
    "reload") words='--config --help' ;;
    "acknowledge") words='--config --help' ;;
    "calls list" | "calls") words='--config --since --until --state --source --direction --number --limit --numbers --json --help' ;;
    "calls show") words='--config --body --numbers --json --help' ;;
    "replay" | "calls replay") words='--config --since --until --state --source --number --dry-run --force --after --numbers --json --help' ;;
    "users") words='--config --json --help' ;;
    "sessions rederive") words='--config --since --until --source --apply --numbers --json --help' ;;
    "backup") words='--config --force --help' files=yes ;;
    "restore") words='--config --help' files=yes ;;
    "salvage") words='--config --dry-run --help' files=yes ;;
    "erase") words='--config --number --dry-run --help' ;;
    "capture") words='--config --source --help' files=yes ;;
    "inspect") words='--config --source --cdr --cel --json --help' files=yes ;;
    "sandbox") words='--port --ledger --help' ;;
    "version" | "--version" | "-v") words='--help' ;;
    *) words='--help' ;;
  esac
  case $current in
    -*) second='' files='' ;;
    *) words='' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$second $words" -- "$current")
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _logcalld logcalld
