package incident

var staleMirror = Incident{
	Name: "stale-mirror", Title: "Last release under this release's name",
	Teaches: "that an image can be good, signed and reproduced, and still not the one that was asked for",
	Parties: []Party{anna, bo, {Name: "mirror", Who: "a registry that has not been updated", Serves: true}},
	Steps: []Step{
		{
			Say:     "For this release anna and bo signed {own:user-hello.short} for user-hello, and you get the same.",
			Screen:  Screen{Kind: StageScreen, Stage: "user-hello"},
			Command: verify("user-hello"), Prints: []string{"reproduced"},
		},
		{
			Say:     "The mirror serves {mirror:user-hello.short} under the same name: every byte of it hashes to what it should.",
			Screen:  Screen{Kind: CompareScreen, Stage: "user-hello", A: "{mirror/user-hello}", B: "stage:user-hello"},
			Command: w("files", "{mirror/user-hello}"), Prints: []string{"usr/bin/hello"},
		},
		{
			Say:     "And it is known: anna and bo signed just that for the recipe of the release before. It is stale, not forged.",
			Screen:  Screen{Kind: StageScreen, Stage: "user-hello"},
			Command: w("claim", "list", "user-hello", "--tree", "{before-tree}", "--store", "{store}", "--parties", "{parties}", "--from", "{place:anna}", "--from", "{place:bo}"), Prints: []string{"{mirror:user-hello.short}"},
		},
	},
	Want: Want{Verdicts: map[string]string{"user-hello": "reproduced"}, Diff: [2]string{"{mirror/user-hello}", "stage:user-hello"}, Suspect: "usr/bin/hello"},
}
