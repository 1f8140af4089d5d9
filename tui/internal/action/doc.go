// Package action holds what a person can do on a screen: one table per screen
// feeds its keys, the help menu, the palette and the README.
//
// It dispatches nothing by itself and knows no screen.
package action
