// Package render writes a difference tree for people and for programs: as text,
// Markdown, one HTML file, or JSON.
//
// It compares and judges nothing. Where output is limited, what was left out is
// counted at its place. All text from what is compared is made safe before it
// is written.
package render
