// Package look is how the workbench looks: spans of text that carry a role
// instead of a colour, lines made of them, and themes that give each role its
// colours on a light, dark or colourless terminal.
//
// It knows nothing of screens, keys or the model; text that comes from outside
// has to be made safe before it is put into a span.
package look
