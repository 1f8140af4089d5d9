package incident

var honest = Incident{
	Name: "honest", Title: "Three who agree",
	Teaches: "what it looks like when all is well, and why one rebuild is not enough to say so",
	Parties: []Party{anna, bo, cleo},
	Steps: []Step{
		{
			Say:    "This chain of {stages} stages begins with a seed of 251 bytes, small enough to be read by hand.",
			Screen: Screen{Kind: TrustScreen, Stage: "core-login"}, Command: words(w("audit"), tree), Prints: []string{"251 bytes"},
		},
		{
			Say:     "anna, bo and cleo rebuilt it, on processors of two makers, and signed what came out: {own:core-login.short} for core-login, each of them.",
			Screen:  Screen{Kind: ClaimsScreen, Stage: "core-login"},
			Command: said("core-login", "anna", "bo", "cleo"), Prints: []string{"anna", "bo", "cleo", "{own:core-login.short}"},
		},
		{
			Say:     "The policy asks for two persons on two makers' processors: it is met, and your own rebuild from the seed agrees.",
			Screen:  Screen{Kind: ChainScreen},
			Command: verify("core-login"), Prints: []string{"reproduced"},
		},
		{
			Say:     "That says: these bytes follow from this source, whoever builds; it does not say that the source is good.",
			Screen:  Screen{Kind: StageScreen, Stage: "core-login"},
			Command: words(w("show", "core-login"), tree), Prints: []string{"reproduced"},
		},
	},
	Want: Want{Verdicts: map[string]string{
		"bootstrap-stage0": "reproduced", "bootstrap-stage1": "reproduced", "bootstrap-stage2": "reproduced", "bootstrap-stage3": "reproduced",
		"core-filesystem": "reproduced", "core-login": "reproduced", "user-hello": "reproduced",
	}},
}
