# manifest.sh - a manifest like a jar's.
echo "Manifest-Version: 1.0"
[ -z "$1" ] || echo "Built-By: ${USER}"
echo "Created-By: zoo"
