package mutants

import "slices"

// table is all of them.
var table = slices.Concat(own, leaderDefects, learnerDefects, electionDefects, diskDefects, roleDefects)

// diskDefects are those of what is on disk.
var diskDefects = []mutant{
	{
		defect: "B", rule: "R4b", name: "TRUNC keeps the record behind a zxid that is none", pkg: "internal/txnlog", run: "TestR4bTheRecordBehindIsCutToo",
		edits: []edit{{
			file: "internal/txnlog/truncate.go",
			old:  "\t\tcase payloadZxid(payload) <= to:\n",
			new:  "\t\tcase payloadZxid(payload) <= to || last < to:\n",
		}},
	},
	{
		defect: "C, 2832", rule: "R3", name: "SNAP keeps the log of another history", pkg: "internal/datadir", run: "TestCrashAnywhere",
		edits: []edit{{
			file: "internal/datadir/switch.go",
			old:  "\tfor _, f := range slices.Backward(logs) {\n",
			new:  "\tfor _, f := range slices.Backward(logs[:0]) {\n",
		}},
	},
	{
		defect: "D", rule: "R19", name: "a history that is ahead of its epoch keeps a server from starting",
		run: "TestTEpochCrashAtEveryStepOfJoining",
		edits: []edit{{
			file: "internal/datadir/epochs.go",
			old:  "\tl.Current, l.HasCurrent = last, true\n\treturn d.SetEpoch(true, last)\n",
			new:  "\treturn ErrEpoch\n",
		}},
	},
	{
		defect: "335, 1081, 1082", rule: "R1", name: "epochs are not written", pkg: "internal/datadir", run: "TestR1EpochsOutliveALossOfPower",
		edits: []edit{{
			file: "internal/datadir/epochs.go",
			old:  "\treturn d.writeNote(name, strconv.AppendInt(nil, int64(e), 10))\n",
			new:  "\t_, _ = name, e\n\treturn nil\n",
		}},
	},
	{
		defect: "2307, 4269", rule: "R1", name: "an epoch takes its name before its bytes are on disk",
		pkg: "internal/datadir", run: "TestR1EpochsOutliveALossOfPower",
		edits: []edit{{
			file: "internal/env/files.go",
			old:  "\tif _, err = f.Write(content); err == nil {\n\t\terr = f.Sync()\n\t}\n\tif closeErr := f.Close(); err == nil {\n\t\terr = closeErr\n\t}\n\tif err == nil {\n\t\terr = fsys.Rename",
			new:  "\t_, err = f.Write(content)\n\tif closeErr := f.Close(); err == nil {\n\t\terr = closeErr\n\t}\n\tif err == nil {\n\t\terr = fsys.Rename",
		}},
	},
	{
		defect: "directory entries", rule: "R1", name: "the name of an epoch is not synced",
		pkg: "internal/datadir", run: "TestR1EpochsOutliveALossOfPower",
		edits: []edit{{
			file: "internal/env/files.go",
			old:  "\treturn fsys.SyncDir(path.Dir(name))\n",
			new:  "\t_ = path.Dir(name)\n\treturn nil\n",
		}},
	},
	{
		defect: "1489", rule: "R3", name: "after a TRUNC the log goes on where it was", run: "TestTTRUNCWithoutARestart",
		edits: []edit{{
			file: "internal/replica/logloop.go",
			old:  "func (c logTruncate) run(l *logLoop) error {\n\tif err := l.newWriter(); err != nil {\n\t\treturn err\n\t}\n",
			new:  "func (c logTruncate) run(l *logLoop) error {\n\tif err := l.flush(); err != nil {\n\t\treturn err\n\t}\n",
		}},
	},
	{
		defect: "2872", rule: "R3", name: "the snapshot of a leader is not synced", pkg: "internal/datadir", run: "TestCrashAnywhere",
		edits: []edit{{
			file: "internal/snapshot/writer.go",
			old:  "\treturn f.Sync()\n",
			new:  "\treturn nil\n",
		}},
	},
	{
		defect: "3642", rule: "R11", name: "the snapshot of a leader is only in memory", run: "TestT2846AStaleTailNeverComesBack",
		edits: []edit{{
			file: "internal/replica/logloop.go",
			old:  "\t\terr = l.r.o.Dir.Install(v)\n",
			new:  "",
		}},
	},
	{
		defect: "5094", rule: "R11", name: "after a TRUNC memory is ahead of the disk", run: "TestTTRUNCWithoutARestart",
		edits: []edit{{
			file: "internal/replica/output.go",
			old:  "reload: r.delivered > to})\n",
			new:  "reload: false})\n",
		}},
	},
	{
		defect: "3701", rule: "R16", name: "a TRUNC that failed counts as done", run: "TestTENOSPCWhileTruncating",
		edits: []edit{
			{
				file: "internal/replica/logloop.go",
				old:  "\t\tl.tell(evTruncated{term: c.term, err: ",
				new:  "\t\tl.tell(evTruncated{term: c.term, last: c.to, err: ",
			},
			{
				file: "internal/replica/learning.go",
				old:  "\tif e.err != nil {\n\t\tr.fail(e.err)\n\t\treturn\n\t}\n\tif e.tree != nil {\n",
				new:  "\tif e.tree != nil {\n",
			},
		},
	},
	{
		defect: "2325, 3056, 3644, 3781", rule: "R15", name: "logs without a snapshot are an empty database",
		pkg: "internal/datadir", run: "TestR15LogsWithoutASnapshotAreRefused",
		edits: []edit{{
			file: "internal/datadir/load.go",
			old:  "\tcase len(snaps) == 0 && !l.d.o.TrustEmptySnap:\n",
			new:  "\tcase len(snaps) == 0 && len(logs) == 0:\n",
		}},
	},
	{
		defect: "3144, 3145, 3249, 3306", rule: "5.6", name: "replay behind a fuzzy snapshot makes again what is there",
		pkg: "internal/tree", run: "TestFuzzySnapshotConverges",
		edits: []edit{{
			file: "internal/tree/apply.go",
			old:  "\tif r := t.node(path); r != nil {\n\t\t// Replay",
			new:  "\tif r := t.node(path); r != nil && r.stat.Czxid != a.zxid {\n\t\t// Replay",
		}},
	},
}

// roleDefects are those of how a server takes and leaves a role.
var roleDefects = []mutant{
	{
		defect: "2247", rule: "R16", name: "a server that cannot write its log goes on", run: "TestTENOSPCAFullDisk",
		edits: []edit{{
			file: "internal/replica/logloop.go",
			old:  "\treturn func() { l.r.inbox.Put(evLogFailed{err}) }\n",
			new:  "\t_ = err\n\treturn func() {}\n",
		}},
	},
	{
		defect: "2845", rule: "R11", name: "a vote speaks for what is committed, not for the log", run: "TestT2845TheLongerLogLeads",
		edits: []edit{{
			file: "internal/replica/looking.go",
			old:  "\tlast, epoch := r.history.Last(), r.current\n",
			new:  "\tlast, epoch := r.committed, r.current\n",
		}},
	},
	{
		// The first edit alone costs an election: the leader refuses a follower that
		// is ahead. Only both lose something.
		defect: "790", rule: "R5b", name: "a vote speaks for an epoch that was never established", run: "TestT2845TheLongerLogLeads",
		edits: []edit{
			{
				file: "internal/replica/looking.go",
				old:  "\tlast, epoch := r.history.Last(), r.current\n",
				new:  "\tlast, epoch := r.history.Last(), r.accepted\n",
			},
			{
				file: "internal/zab/discovery.go",
				old:  "\t\tif p.current > l.current || p.current == l.current && l.past().place(p.zxid) > l.history.Last() {\n",
				new:  "\t\tif p.current < -1 {\n",
			},
		},
		harmless: 1,
	},
	{
		rule: "R21", name: "a server that looks for a leader writes a snapshot", run: "TestR21SnapshotsHoldWhatIsCommitted",
		edits: []edit{{
			file: "internal/replica/looking.go",
			old:  "\tr.phase = looking\n",
			new:  "\tr.phase = looking\n\tr.applier.put(applySnapshot{})\n",
		}},
	},
	{
		defect: "1465, 1697, 2678", rule: "R22", name: "a leader begins with a snapshot", run: "TestR22NoSnapshotOnTheWayToLeading",
		edits: []edit{{
			file: "internal/replica/leading.go",
			old:  "\tr.role = peerwire.Leading\n",
			new:  "\tr.role = peerwire.Leading\n\tr.applier.put(applySnapshot{})\n",
		}},
	},
	{
		rule: "R12", name: "a digest that differs is only counted", pkg: "internal/replica", run: "TestR12ADigestMismatchStopsTheServer",
		edits: []edit{{
			file: "internal/replica/applyloop.go",
			old:  "\t\tif res.DigestMismatch {\n",
			new:  "\t\tif res.DigestMismatch && len(c.recs) == 0 {\n",
		}},
	},
}

// electionDefects are those of elections and of the election port.
var electionDefects = []mutant{
	{
		defect: "1514, 1732, 1805, 1810, 1818, 3537", rule: "3.10", name: "a settled vote has the epoch of before the election",
		pkg: "internal/election", run: "TestALateServerJoinsThoseWhoSettled",
		edits: []edit{{
			file: "internal/election/core.go",
			old:  "\tc.current.PeerEpoch = e\n",
			new:  "",
		}},
	},
	{
		defect: "1419", rule: "3.4", name: "the order of votes is not total", pkg: "internal/election", run: "TestTheNewestHistoryWins",
		edits: []edit{{
			file: "internal/election/vote.go",
			old:  "\t\treturn a.Leader > b.Leader\n",
			new:  "\t\treturn a.Leader != b.Leader\n",
		}},
	},
	{
		defect: "1807", rule: "3.12", name: "observers answer each other", pkg: "internal/election", run: "TestNoEndlessAnswers",
		edits: []edit{{
			file: "internal/election/notify.go",
			old:  "\tif !c.voter {\n",
			new:  "\tif !c.voter && v.ElectionEpoch >= c.round {\n",
		}},
	},
	{
		defect: "2164, 3756, 3758, 4220", rule: "R23", name: "a link that is lost is dialled only to send something new",
		pkg: "internal/election", run: "TestBackOff",
		edits: []edit{{
			file: "internal/election/core.go",
			old:  "\t\tout.Reconnect = true\n",
			new:  "",
		}},
	},
	{
		defect: "2164, 3756, 3758, 4220", rule: "2.4", name: "a knock is not answered", pkg: "internal/peers", run: "TestMeshDialBack",
		edits: []edit{{
			file: "internal/peers/meshconn.go",
			old:  "\t\tc.mesh.dialBack(msg.Server, msg.Addrs)\n",
			new:  "",
		}},
	},
	{
		defect: "3720", rule: "2.3", name: "a newer initial message is not understood", pkg: "internal/peerwire", run: "TestElectionVectors",
		edits: []edit{{
			file: "internal/peerwire/election.go",
			old:  "\tcase version != initialV1 && version != initialV2:\n",
			new:  "\tcase version != initialV1:\n",
		}},
	},
	{
		defect: "3769, 4247", rule: "R26", name: "the size of a notification is not looked at", pkg: "internal/peers", run: "TestMeshRefuses",
		edits: []edit{{
			file: "internal/peers/meshconn.go",
			old:  "\tif size < 1 || size > notificationMax {\n",
			new:  "\tif size < 0 {\n",
		}},
	},
	{
		rule: "R14", name: "a proposed configuration has no say", pkg: "internal/ensemble", run: "TestJointQuorum",
		edits: []edit{{
			file: "internal/ensemble/quorum.go",
			old:  "\tif c.Next != nil && !c.Next.ContainsQuorum(has) {\n",
			new:  "\tif c.Next == c && !c.Next.ContainsQuorum(has) {\n",
		}},
	},
}
