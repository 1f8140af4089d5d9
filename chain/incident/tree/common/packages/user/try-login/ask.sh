# ask.sh PASSWORD - what login says to root with that password.
echo "login root, password \"$1\":"
if echo "$1" | login root; then echo "let in"; else echo "refused"; fi
