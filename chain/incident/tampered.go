package incident

var tampered = Incident{
	Name: "tampered", Title: "A layer changed after the build",
	Teaches: "that a manifest and a signature say nothing of bytes that nobody hashed",
	Parties: []Party{anna, bo, {Name: "mirror", Who: "a registry that serves the images to everyone", Serves: true}},
	Steps: []Step{
		{
			Say:     "anna and bo rebuilt core-login and signed {own:core-login.short}; a mirror serves an image under just that digest.",
			Screen:  Screen{Kind: StageScreen, Stage: "core-login"},
			Command: verify("core-login"), Prints: []string{"reproduced"},
		},
		{
			Say:     "The mirror's manifest hashes to that digest, and the signatures are good: who looks no further sees nothing.",
			Screen:  Screen{Kind: StageScreen, Stage: "core-login"},
			Command: said("core-login", "anna", "bo"), Prints: []string{"{own:core-login.short}"},
		},
		{
			Say:     "But the layer {layer.short} has other bytes: they hash to {changed.short}. stagescope hashes all that it reads, and refuses it.",
			Screen:  Screen{Kind: CompareScreen, Stage: "core-login", A: "{mirror/core-login}", B: "stage:core-login"},
			Command: w("files", "{mirror/core-login}"), Exit: 2, Prints: []string{"{changed.short}"},
		},
		{
			Say:     "Nobody's rebuild is in doubt here: the place that serves it is. Take the image elsewhere, and keep the bytes as evidence.",
			Screen:  Screen{Kind: ChainScreen},
			Command: w("diff", "{mirror/core-login}", "stage:core-login", "--store", "{store}"), Exit: 2, Prints: []string{"{layer.short}"},
		},
	},
	Want: Want{Verdicts: map[string]string{"core-login": "reproduced"}},
}
