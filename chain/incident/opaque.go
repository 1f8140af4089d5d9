package incident

var opaque = Incident{
	Name: "opaque", Title: "Everyone reproduces it",
	Teaches: "that agreement reaches no further down than the binary that everybody took from the same place",
	Parties: []Party{anna, bo, cleo},
	Steps: []Step{
		{
			Say:     "This tree compiles its compiler with the binary of the release before. anna, bo, cleo and you all get {own:core-login.short}: the policy is met.",
			Screen:  Screen{Kind: ChainScreen},
			Command: verify("core-login"), Prints: []string{"reproduced"},
		},
		{
			Say:     "But where does that binary come from? {opaque:size} bytes, {opaque.short}, in the tree, and no recipe that makes it: nobody built it.",
			Screen:  Screen{Kind: TrustScreen, Stage: "core-login"},
			Command: words(w("audit", "core-login"), tree), Prints: []string{"cc-0.9-linux-amd64", "{opaque.short}"},
		},
		{
			Say:     "In an infected one all would agree just as well. That this one is the seed's own compiler, byte for byte, only a build from the seed could tell: {seed:bootstrap-stage2.short}.",
			Screen:  Screen{Kind: StageScreen, Stage: "bootstrap-stage2"},
			Command: words(w("show", "bootstrap-stage2"), tree), Prints: []string{"{seed:bootstrap-stage2}"},
		},
	},
	Want: Want{Verdicts: map[string]string{"bootstrap-stage2": "reproduced", "bootstrap-stage3": "reproduced", "core-login": "reproduced", "user-hello": "reproduced"}},
}
