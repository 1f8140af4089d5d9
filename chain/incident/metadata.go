package incident

var metadataOnly = Incident{
	Name: "metadata-only", Title: "One build, two digests",
	Teaches: "that digests can differ where no file does, and how that is proved and not assumed",
	Parties: []Party{anna, bo},
	Steps: []Step{
		{
			Say:     "core-filesystem has digest {own:core-filesystem.short} in this release and {before:core-filesystem.short} in the one before; its recipe builds the same files.",
			Screen:  Screen{Kind: StageScreen, Stage: "core-filesystem"},
			Command: verify("core-filesystem"), Prints: []string{"reproduced"},
		},
		{
			Say:     "Compared: every file is the same; the manifests differ in an annotation, the version.",
			Screen:  Screen{Kind: CompareScreen, Stage: "core-filesystem", A: "{before/core-filesystem}", B: "stage:core-filesystem"},
			Command: w("diff", "{before/core-filesystem}", "stage:core-filesystem", "--store", "{store}"), Exit: 1, Prints: []string{"version"},
		},
		{
			Say:     "Written again with the other version, the one image becomes the other, digest and all: that is a proof, and the annotation all that was changed.",
			Screen:  Screen{Kind: CompareScreen, Stage: "core-filesystem", A: "{before/core-filesystem}", B: "stage:core-filesystem"},
			Command: w("diff", "{before/core-filesystem}", "stage:core-filesystem", "--store", "{store}"), Exit: 1, Prints: []string{"proved"},
		},
	},
	Want: Want{
		Verdicts: map[string]string{"core-filesystem": "reproduced"},
		Diff:     [2]string{"{before/core-filesystem}", "stage:core-filesystem"}, Causes: []string{"A2"}, Proved: true,
	},
}
