package mutants

// own are bugs that no list has.
var own = []mutant{
	{
		rule: "R4",
		name: "acknowledge before fsync",
		edits: []edit{{
			file: "internal/txnlog/writer.go",
			old:  "\tif !w.o.ForceSync {\n",
			new:  "\tif w.last >= 0 {\n",
		}},
		seeds: 5000,
	},
	{
		rule: "I5",
		name: "commit on the leader's acknowledgement alone",
		edits: []edit{{
			file: "internal/zab/broadcast.go",
			old:  "\t\tif l.config.ContainsQuorum(func(id zk.ServerID) bool { return contains(l.votes[:i+1], id) }) || v.server == l.o.Self && l.alone() {\n",
			new:  "\t\tif contains(l.votes[:i+1], l.o.Self) {\n",
		}},
		seeds: 5000,
	},
	{
		// No snapshot holds what is not committed, except one that a leader sent,
		// which is alone: so a TRUNC has nothing to set aside. The first edit makes
		// a new leader write a snapshot at once, as ZooKeeper does, tail and all; the
		// second keeps that from being taken for committed, so that TRUNC is refused.
		defect: "A, 1549, 4837", rule: "R3",
		name: "TRUNC keeps newer snapshots",
		edits: []edit{
			{
				file: "internal/replica/leading.go",
				old:  "\tr.role = peerwire.Leading\n",
				new:  "\tr.role = peerwire.Leading\n\tr.applier.put(applySnapshot{})\n",
			},
			{file: "internal/replica/keeper.go", old: "\t\tk.remember(zxid)\n", new: ""},
			{
				file: "internal/datadir/switch.go",
				old:  "\t\tif f.Zxid > to {\n\t\t\tif err := q.move",
				new:  "\t\tif f.Zxid > to && f.Zxid < 0 {\n\t\t\tif err := q.move",
			},
		},
		harmless: 2,
		run:      "TestATailInASnapshotIsCutOff",
	},
	{
		rule: "R28",
		name: "a sync is answered without asking a quorum",
		edits: []edit{{
			file: "internal/zab/syncs.go",
			old:  "\ts.round = l.round + 1\n",
			new:  "\ts.round = 0\n\tdefer l.answerSyncs(out)\n",
		}},
		run: "TestASyncAtADeposedLeader",
	},
	{
		rule: "I8",
		name: "what was read at the start is not synced",
		edits: []edit{
			{
				file: "internal/datadir/load.go",
				old:  "\treturn l.settle(r.End())\n",
				new:  "\treturn nil\n",
			},
		},
		seeds: 5000,
	},
	{
		defect: "261", rule: "R15",
		name: "a server that lost its disk counts at once",
		edits: []edit{{
			file: "internal/node/node.go",
			old:  "\tif n.cfg.Ensemble == nil || marker || ",
			new:  "\tif n.cfg.Ensemble != nil || marker || ",
		}},
		run: "TestT261AWipedVoterDoesNotElect",
	},
	{
		rule: "INV-L3",
		name: "a write overtakes the sync in front of it",
		edits: []edit{{
			file: "internal/server/conn.go",
			old:  " || c.bytes >= pendingBytes || c.syncing() {\n",
			new:  " || c.bytes >= pendingBytes {\n",
		}},
		seeds: 5000,
	},
	{
		rule: "INV-A1",
		name: "a write is judged by an access list that is about to change",
		edits: []edit{{
			file: "internal/prep/change.go",
			old:  "\tn.Stat.Aversion = version\n\tn.ACL = acl\n",
			new:  "\tn.Stat.Aversion = version\n",
		}},
		seeds: 5000,
	},
	{
		rule: "INV-W",
		name: "a deletion tells recursive watches nothing",
		edits: []edit{{
			file: "internal/watch/fire.go",
			old:  "dataModes|childModes, true)",
			new:  "dataModes|childModes, false)",
		}},
		seeds: 5000,
	},
	{
		rule: "INV-W",
		name: "setWatches does not look at changes of children",
		edits: []edit{{
			file: "internal/server/watches.go",
			old:  "\tcase n.Stat.Pzxid > seen:\n",
			new:  "\tcase n.Stat.Pzxid < 0:\n",
		}},
		seeds: 5000,
	},
	{
		rule: "INV-X9",
		name: "what was asked under an earlier leader is carried out beside what is asked again",
		edits: []edit{{
			file: "internal/replica/requests.go",
			old:  " || req.Term != 0 && req.Term != r.term:\n",
			new:  ":\n",
		}},
		seeds: 1500,
	},
	{
		rule: "INV-S4",
		name: "stalls are not credited",
		edits: []edit{{
			file: "internal/session/clock.go",
			old:  "\tif late := lateness(d-c.last, c.period); late > 0 {\n",
			new:  "\tif late := lateness(d-c.last, c.period); late < 0 {\n",
		}},
		seeds: 1500,
	},
	{
		rule: "INV-S4",
		name: "a learner's silence is not credited",
		edits: []edit{{
			file: "internal/session/source.go",
			old:  "\treturn s.lost + lateness(d-s.heard, period)\n",
			new:  "\treturn 0\n",
		}},
		run: "TestALearnerThatStandsStillCostsNoSession",
	},
	{
		rule: "INV-S4",
		name: "what was stood still is credited twice",
		edits: []edit{{
			file: "internal/session/clock.go",
			old:  "\t\tc.lost += late\n",
			new:  "\t\tc.lost += 2 * late\n",
		}},
		run: "TestALeaderThatStandsStillCostsNoSession",
	},
	{
		rule: "INV-S4",
		name: "a session has no more time when its server is lost",
		edits: []edit{{
			file: "internal/session/source.go",
			old:  "max(until, s.from.goneAt+s.timeout)",
			new:  "max(until, s.from.goneAt)",
		}},
		run: "TestALostLearnerCostsNoSession",
	},
}
