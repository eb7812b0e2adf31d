# Made by "npm run manual" from the command table: change that.
_logcalld() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word words='' second='' files='' skip='' plain=()
  COMPREPLY=()
  case $previous in
    --pbx-secret-file | --access-key-file | --secret-key-file | --users | --config | -c | --support | --cdr | --cel | --ledger)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --directory | --asterisk | --freeswitch | --name | --username | --country | --leadsquared-host | --default-user | --since | --until | --source | -s | --limit | --at | --state | --reason | --status | --direction | --number | --agent | --user | --queue | --cursor | --after | --explain | --port | -p) return ;;
  esac
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [ -n "$skip" ]; then skip=''; continue; fi
    case $word in
      --directory | --asterisk | --freeswitch | --name | --username | --pbx-secret-file | --country | --leadsquared-host | --access-key-file | --secret-key-file | --users | --default-user | --config | -c | --support | --since | --until | --source | -s | --limit | --at | --state | --reason | --status | --direction | --number | --agent | --user | --queue | --cursor | --after | --cdr | --cel | --explain | --port | -p | --ledger) skip=yes ;;
      -*) ;;
      *) plain+=("$word") ;;
    esac
  done
  if [ ${#plain[@]} = 0 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'demo init run check-config doctor status gaps backfill pause resume reload acknowledge calls replay users sessions explain tail backup restore salvage erase capture inspect sandbox version --version -v help --help' -- "$current")
    return
  fi
  case ${plain[0]} in
    calls) second='list show replay explain tail' ;;
    sessions) second='rederive' ;;
  esac
  [ ${#plain[@]} = 1 ] || { case " $second " in *" ${plain[1]} "*) plain[0]+=" ${plain[1]}" second='' ;; esac; }
  case ${plain[0]} in
    "demo") words='--help' ;;
    "init") words='--directory --asterisk --freeswitch --name --username --tls --pbx-secret-file --no-records --country --leadsquared-host --access-key-file --secret-key-file --users --default-user --yes --force --help' ;;
    "run") words='--config --help' ;;
    "check-config") words='--config --offline --all --probe --help' ;;
    "doctor") words='--config --all --probe --json --support --help' ;;
    "status") words='--config --json --help' ;;
    "gaps") words='--config --since --until --source --calls --limit --utc --numbers --json --help' ;;
    "backfill") words='--config --source --since --until --dry-run --numbers --json --help' ;;
    "pause") words='--config --help' ;;
    "resume") words='--config --help' ;;
    "reload") words='--config --help' ;;
    "acknowledge") words='--config --help' ;;
    "calls list" | "calls") words='--config --at --since --until --state --reason --status --source --direction --number --agent --user --queue --limit --watch --arrival --cursor --utc --numbers --json --help' ;;
    "calls show") words='--config --body --utc --numbers --json --help' ;;
    "replay" | "calls replay") words='--config --at --since --until --state --reason --status --source --direction --number --agent --user --queue --dry-run --force --after --utc --numbers --json --help' ;;
    "users") words='--config --utc --json --help' ;;
    "sessions rederive") words='--config --since --until --source --apply --numbers --json --help' ;;
    "explain" | "calls explain") words='--config --numbers --json --help' ;;
    "tail" | "calls tail") words='--config --source --number --agent --raw --numbers --json --help' ;;
    "backup") words='--config --force --help' files=yes ;;
    "restore") words='--config --help' files=yes ;;
    "salvage") words='--config --dry-run --help' files=yes ;;
    "erase") words='--config --number --dry-run --help' ;;
    "capture") words='--config --source --help' files=yes ;;
    "inspect") words='--config --source --cdr --cel --explain --numbers --json --help' files=yes ;;
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
