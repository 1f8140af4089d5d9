package main

import (
	"context"

	"github.com/stagescope/stagescope/tui"
)

// wire gives the workbench all that it does not do itself.
func (a *app) wire(_ context.Context, cfg *tui.Config) error {
	s, err := a.openStore()
	if err != nil {
		return err
	}
	cfg.OpenImage = tui.ImageOpener(a.imageOptions(s), "")
	cfg.WhyNoBuilder = "no engine is part of this program yet"
	return nil
}
