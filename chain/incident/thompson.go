package incident

var thompson = Incident{
	Name: "thompson", Title: "A clean source, an infected binary",
	Teaches: "why a rebuild with somebody's compiler proves nothing about that compiler, and what does",
	Parties: []Party{
		{Name: "mallory", Who: "publishes the compiler; once, years ago, it was infected", CPUVendor: "GenuineIntel", Kernel: "6.8"},
		{Name: "nadia", Who: "rebuilds in good faith, with mallory's compiler", CPUVendor: "AuthenticAMD", Kernel: "6.12"},
	},
	Steps: []Step{
		{
			Say:     "mallory publishes a compiler, bootstrap-stage2, with its source; nadia compiles that source with it and gets the same bytes, {mallory:bootstrap-stage2.short}, every time.",
			Screen:  Screen{Kind: ClaimsScreen, Stage: "bootstrap-stage2"},
			Command: said("bootstrap-stage2", "mallory", "nadia"), Prints: []string{"mallory", "nadia", "{mallory:bootstrap-stage2.short}"},
		},
		{
			Say:     "Two persons, two makers of processors, no one who says otherwise: to who rebuilt nothing the policy is met. It is reproducible, and wrong.",
			Screen:  Screen{Kind: StageScreen, Stage: "bootstrap-stage2"},
			Command: words(w("verify", "bootstrap-stage2", "--tree", "{tree}", "--store", "{nothing}"), judging), Prints: []string{"reproduced"},
		},
		{
			Say:     "You rebuilt from the seed of 251 bytes, with no compiler of anybody's: {own:bootstrap-stage2.short}. Now it is disputed.",
			Screen:  Screen{Kind: ChainScreen},
			Command: verify("bootstrap-stage2"), Exit: 1, Prints: []string{"disputed"},
		},
		{
			Say:     "The dispute begins at bootstrap-stage2: equal recipe, equal inputs, another output. What stands on it inherits it: {inherited}.",
			Screen:  Screen{Kind: ChainScreen},
			Command: verify("--all"), Exit: 1, Prints: []string{"first divergence: bootstrap-stage2", "reconverged"},
		},
		{
			Say:     "The two compilers beside each other: one file differs, /bin/cc, {mallory:cc.size} bytes against {own:cc.size}, from one and the same source.",
			Screen:  Screen{Kind: CompareScreen, Stage: "bootstrap-stage2", A: "{mallory/bootstrap-stage2}", B: "stage:bootstrap-stage2", File: "bin/cc", View: "reasons"},
			Command: w("diff", "{mallory/bootstrap-stage2}", "stage:bootstrap-stage2", "--store", "{store}"), Exit: 1, Prints: []string{"suspicious", "bin/cc"},
		},
		{
			Say:     "And the login that it compiled from a clean source: the bytes that are too many are a second password.",
			Screen:  Screen{Kind: CompareScreen, Stage: "core-login", A: "{mallory/core-login}", B: "stage:core-login", File: "segment 0", View: "code"},
			Command: w("diff", "{mallory/core-login}", "stage:core-login", "--store", "{store}"), Exit: 1, Prints: []string{"suspicious", "bin/login", "trusting trust"},
		},
		{
			Say:     "Tried in the sandbox, the honest login refuses it: {own:answer}.",
			Screen:  Screen{Kind: FileScreen, A: "stage:user-try-login", File: "wrong"},
			Command: w("cat", "stage:user-try-login", "/wrong", "--store", "{store}"), Prints: []string{"trusting trust", "refused"},
		},
		{
			Say:     "mallory's login lets it in: {mallory:answer}.",
			Screen:  Screen{Kind: FileScreen, A: "{mallory/user-try-login}", File: "wrong"},
			Command: w("cat", "{mallory/user-try-login}", "/wrong"), Prints: []string{"trusting trust", "let in"},
		},
		{
			Say:     "Without the chain there is another way to see it: let a compiler of other descent compile the source too, and then what came out. mallory's binary {ddc:suspect} what its source says.",
			Screen:  Screen{Kind: StageScreen, Stage: "bootstrap-stage2"},
			Command: w("check", "ddc", "{mallory/bootstrap-stage2}", "stage:bootstrap-diverse", "--source", "{tree}/packages/bootstrap/stage2", "--store", "{store}", "--", "{{cc}}", "-o", "{{out}}", "{{source}}/cc.c"),
			Builds:  true, Exit: 1, Prints: []string{"differs"},
		},
		{
			Say:     "The seed's compiler {ddc:honest} what its source says. So tell the auditor: stage2 and what it compiled are not what the source says; rebuild from the seed.",
			Screen:  Screen{Kind: TrustScreen, Stage: "bootstrap-stage2"},
			Command: w("check", "ddc", "stage:bootstrap-stage2", "stage:bootstrap-diverse", "--source", "{tree}/packages/bootstrap/stage2", "--store", "{store}", "--", "{{cc}}", "-o", "{{out}}", "{{source}}/cc.c"),
			Builds:  true, Prints: []string{"corresponds"},
		},
	},
	Want: Want{
		Verdicts: map[string]string{
			"bootstrap-stage0": "reproduced", "bootstrap-stage1": "reproduced", "bootstrap-stage2": "disputed", "bootstrap-stage3": "disputed",
			"core-filesystem": "reconverged", "core-login": "disputed", "user-hello": "reconverged", "user-try-login": "disputed",
		},
		First: []string{"bootstrap-stage2"}, Inherited: []string{"bootstrap-stage3", "core-login", "user-try-login"},
		Diff: [2]string{"{mallory/core-login}", "stage:core-login"}, Causes: []string{"D7a"}, Suspect: "bin/login",
	},
}
