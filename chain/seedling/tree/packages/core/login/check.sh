# check.sh - the right passwords are let in, and nothing else is.
set -e
in="login -f /src/passwords"
[ "$(echo 'correct horse' | $in root)" = "welcome, root" ]
[ "$(echo guest | $in guest)" = "welcome, guest" ]
for try in "" guest "correct hors" "correct horse " "Correct horse"; do
	if echo "$try" | $in root; then exit 1; fi
done
for name in "" roo root2 nobody root:salt; do
	if echo "correct horse" | $in "$name"; then exit 1; fi
done
