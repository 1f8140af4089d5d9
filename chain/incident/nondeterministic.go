package incident

var nondeterministic = Incident{
	Name: "nondeterministic", Title: "Two honest people, two digests",
	Teaches: "how noise looks, how it is told from tampering, and how it is mended",
	Parties: []Party{anna, bo},
	Steps: []Step{
		{
			Say:     "anna and bo rebuilt user-zoo-date from the same recipe and the same inputs: {anna:user-zoo-date.short} and {bo:user-zoo-date.short}.",
			Screen:  Screen{Kind: StageScreen, Stage: "user-zoo-date"},
			Command: verify("user-zoo-date"), Exit: 1, Prints: []string{"disputed"},
		},
		{
			Say:     "Beside each other: one file, and in it one text. When the build's time is taken out of both, the rest is equal: the cause is proved.",
			Screen:  Screen{Kind: CompareScreen, Stage: "user-zoo-date", A: "{anna/user-zoo-date}", B: "{bo/user-zoo-date}"},
			Command: w("diff", "{anna/user-zoo-date}", "{bo/user-zoo-date}"), Exit: 1, Prints: []string{"proved", "SOURCE_DATE_EPOCH"},
		},
		{
			Say:     "Explained is not reproduced: the digests still differ, and the verdict stays. The fix is in the recipe's twin, user-zoo-date-fixed, which both built to {own:user-zoo-date-fixed.short}.",
			Screen:  Screen{Kind: StageScreen, Stage: "user-zoo-date-fixed"},
			Command: verify("user-zoo-date-fixed"), Prints: []string{"reproduced"},
		},
	},
	Want: Want{
		Verdicts: map[string]string{"user-zoo-date": "disputed", "user-zoo-date-fixed": "reproduced"},
		First:    []string{"user-zoo-date"},
		Diff:     [2]string{"{anna/user-zoo-date}", "{bo/user-zoo-date}"}, Causes: []string{"D1a"}, Proved: true,
	},
}
