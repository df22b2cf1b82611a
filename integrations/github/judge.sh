#!/usr/bin/env bash
# Judges, annotates, writes the step summary and the reports, and leaves the
# exit code to the last step of the action, so that what failed is still
# uploaded. Runs outside of GitHub as well, for trying it.
#
# Inputs come as environment variables and are never part of the script's text:
# a path or branch name must not become a command.
set -uo pipefail

binary=${BINARY:-}
[ -n "$binary" ] || binary=$HOME/.cache/modelward-action/bin/modelward
folder=${FOLDER:-}
[ -n "$folder" ] || folder=$(mktemp -d)
mkdir -p "$folder"

read -r -d '' -a paths <<<"${PATHS:-}"
if [ "${#paths[@]}" -eq 0 ]; then
  echo "::error title=modelward::no paths were given"
  exit 64
fi
for path in "${paths[@]}"; do
  case $path in
    -*)
      echo "::error title=modelward::a path may not begin with a hyphen"
      exit 64
      ;;
  esac
done

options=()
[ -z "${REGISTRY:-}" ] || options+=(--registry "$REGISTRY")
[ -z "${POLICY:-}" ] || options+=(--policy "$POLICY")
if [ "${STAGE:-candidate}" = none ]; then
  verb=(scan --fail-on "${FAIL_ON:-high}")
else
  verb=(gate --for "${STAGE:-candidate}")
fi

"$binary" "${verb[@]}" "${options[@]}" --quiet --format github \
  --also "$folder/report.json" --also "$folder/report.sarif" \
  --also "$folder/report.html" --also "$folder/summary.md" -- "${paths[@]}"
code=$?
if [ -f "$folder/summary.md" ]; then
  cat "$folder/summary.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
fi

{
  echo "code=$code"
  echo "report=$folder"
} >>"${GITHUB_OUTPUT:-/dev/stdout}"
