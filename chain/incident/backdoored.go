package incident

var backdooredSource = Incident{
	Name: "backdoored-source", Title: "Reproduced, and a back door",
	Teaches: "that reproduced answers one question of two: a release can hold what version control has never seen",
	Parties: []Party{anna, bo},
	Steps: []Step{
		{
			Say:     "anna, bo and you built user-allow from its release tarball, pinned by hash: all got {own:user-allow.short}, and the policy is met.",
			Screen:  Screen{Kind: StageScreen, Stage: "user-allow"},
			Command: verify("user-allow"), Prints: []string{"reproduced"},
		},
		{
			Say:     "Beside version control: the release has a configure script that version control lacks, which says that Autoconf wrote it.",
			Screen:  Screen{Kind: TrustScreen, Stage: "user-allow"},
			Command: words(w("audit", "user-allow", "--compare", "allow={version-control}"), tree), Prints: []string{"configure", "differs from version control"},
		},
		{
			Say:     "The script puts a file of the tests in the place of allow.c, and so {backdoor} may do anything: the program has a name in it that no reviewed line has.",
			Screen:  Screen{Kind: FileScreen, A: "stage:user-allow", File: "usr/bin/allow"},
			Command: w("diff", "{version-control}", "{release}"), Exit: 1, Prints: []string{"configure"},
		},
		{
			Say:     "Both answers, side by side and never merged: reproduced; source differs from version control.",
			Screen:  Screen{Kind: StageScreen, Stage: "user-allow"},
			Command: words(w("audit", "user-allow", "--compare", "allow={version-control}"), tree), Prints: []string{"Two answers, never merged", "differs from version control"},
		},
	},
	Want: Want{Verdicts: map[string]string{"user-allow": "reproduced"}},
}
