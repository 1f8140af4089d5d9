//go:build !linux

package diff

// notRead says what of a directory is not compared on this system.
const notRead = "; extended attributes are not read on this system"

func attributes(string) ([]Field, error) { return nil, nil }

// attrLacks are the properties that are not read on this system.
var attrLacks = []string{allAttributes}
