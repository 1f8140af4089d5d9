//go:build !linux

package engine

import (
	"context"

	"github.com/stagescope/stagescope/rebuild"
)

// Init does nothing where there is no embedded engine.
func Init() {}

// Embedded fails with ErrUnsupported on this system.
func Embedded(context.Context, Options) (rebuild.Engine, error) { return nil, ErrUnsupported }

// Clean removes an engine's state.
func Clean(context.Context, Options) error { return ErrUnsupported }

// CheckLimits fails with ErrUnsupported on this system.
func CheckLimits() error { return ErrUnsupported }

// WhoForbids names what keeps this user from building in namespaces.
func WhoForbids() string { return "this system has none; use --engine with the address of a BuildKit" }
