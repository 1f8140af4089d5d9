package main

import "github.com/spf13/cobra"

// verbs lists the verbs in the order in which help shows them. A verb is here
// only once it works.
func (a *app) verbs() []*cobra.Command {
	return []*cobra.Command{
		a.listCmd(),
		a.showCmd(),
		a.filesCmd(),
		a.catCmd(),
		a.auditCmd(),
		a.fetchCmd(),
		a.rebuildCmd(),
		a.checkCmd(),
		a.verifyCmd(),
		a.diffCmd(),
		a.claimCmd(),
		a.exportCmd(),
		a.storeCmd(),
		a.demoCmd(),
		a.doctorCmd(),
	}
}
