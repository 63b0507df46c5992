package mutants

const zab = "internal/zab"

// leaderDefects are known defects of the leading half (quorum.md 7.4, 7.5).
var leaderDefects = []mutant{
	{
		defect: "962", rule: "R6", name: "what is proposed while a snapshot is taken is not sent", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/leadersync.go",
			old:  "Snapshot: true})\n\tl.stream(p, z, out)\n",
			new:  "Snapshot: true})\n\tl.stream(p, l.history.Last(), out)\n",
		}},
	},
	{
		defect: "1136, 3104", rule: "R9", name: "NEWLEADER comes before the history", pkg: zab, run: "TestTraces",
		edits: []edit{
			{
				file: "internal/zab/leadersync.go",
				old:  "\tl.send(p, peerwire.Packet{Type: peerwire.NewLeader, Zxid: l.start(), Data: l.text}, out)\n\tp.stage = awaitNewLeader\n",
				new:  "\tp.stage = awaitNewLeader\n",
			},
			{
				file: "internal/zab/leadersync.go",
				old:  "\tp.base = base\n",
				new:  "\tp.base = base\n\tl.send(p, peerwire.Packet{Type: peerwire.NewLeader, Zxid: l.start(), Data: l.text}, out)\n",
			},
		},
	},
	{
		defect: "1154, 1156", rule: "R4b", name: "TRUNC across epochs", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/past.go",
			old:  "\tcase z > last && z.Epoch() == last.Epoch() && last.Counter() > 0:\n",
			new:  "\tcase z > last:\n",
		}},
	},
	{
		defect: "1291", rule: "R1", name: "an epoch is offered before it is on disk", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/discovery.go",
			old:  "\tl.enter(promising)\n\tout.Persist = append(out.Persist, Persist{Kind: AcceptedEpoch, Epoch: l.epoch})\n",
			new: "\tl.enter(promising)\n\tout.Persist = append(out.Persist, Persist{Kind: AcceptedEpoch, Epoch: l.epoch})\n" +
				"\tl.persisted(Persist{Kind: AcceptedEpoch, Epoch: l.epoch}, out)\n",
		}},
	},
	{
		defect: "1343, 1191, 1192", rule: "4.9", name: "the epoch is not above those that were promised", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/discovery.go",
			old:  "\tl.epoch = max(l.epoch, accepted+1)\n\tif !l.config",
			new:  "\tl.epoch = max(l.epoch, accepted)\n\tif !l.config",
		}},
	},
	{
		defect: "1270", rule: "4.17", name: "an established leader gives up since its first phases are late", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/leaderlink.go",
			old:  "\tif l.phase < broadcasting && !l.now.Before(l.deadline) {\n",
			new: "\tif l.phase == broadcasting && !l.now.Before(l.deadline) {\n\t\tl.resign(\"too late\", out)\n\t\treturn\n\t}\n" +
				"\tif l.phase < broadcasting && !l.now.Before(l.deadline) {\n",
		}},
	},
	{
		defect: "1277", rule: "R13", name: "the counter runs into the epoch", pkg: zab, run: "TestCounterRollover",
		edits: []edit{{
			file: "internal/zab/leader.go",
			old:  "const counterLast = 1<<32 - 2\n",
			new:  "const counterLast = 1<<32 - 1\n",
		}},
	},
	{
		defect: "1324", rule: "R14", name: "a new leader does not finish a reconfiguration", pkg: zab, run: "TestR14ANewLeaderFinishesAReconfiguration",
		edits: []edit{{
			file: "internal/zab/leadersync.go",
			old:  "\tif l.config.Next != nil {\n\t\t// It is part",
			new:  "\tif l.config.Next == l.config {\n\t\t// It is part",
		}},
	},
	{
		defect: "1413, 2418", rule: "R7", name: "DIFF where the learner's history is not proven to be here", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/past.go",
			old:  "\tcase z >= 0 && h.Contains(z):\n",
			new:  "\tcase z >= 0 && z <= last:\n",
		}},
	},
	{
		defect: "2959", rule: "4.9", name: "an observer is counted", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/discovery.go",
			old:  "\t\tp.voter = !p.observer && l.config.IsVoter(p.server)\n",
			new:  "\t\tp.voter = l.config.IsVoter(p.server)\n",
		}},
	},
	{
		defect: "4685", rule: "R18", name: "an ACK that comes before that of NEWLEADER costs the link", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/leadersync.go",
			old:  "\tcase !p.subscribed():\n",
			new:  "\tcase !p.subscribed() || p.stage == awaitNewLeader && z != l.start():\n",
		}},
	},
	{
		defect: "E", rule: "R20", name: "a learner of a later epoch is brought into line", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/discovery.go",
			old:  "\tif p.zxid.Epoch() > l.epoch || p.current > l.epoch {\n",
			new:  "\tif p.current < -1 {\n",
		}},
	},
	{
		defect: "duplicate sids", rule: "R17", name: "two servers with one id are served", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/discovery.go",
			old:  "\tcase info.ServerID == l.o.Self || l.linked(info.ServerID):\n",
			new:  "\tcase info.ServerID == l.o.Self:\n",
		}},
	},
}

// learnerDefects are those of the following half.
var learnerDefects = []mutant{
	{
		defect: "E", rule: "R20", name: "a leader may cut off what is known to be committed", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\tif l.o.KnownCommitted == 0 || z >= l.o.KnownCommitted {\n",
			new:  "\tif z >= 0 || z >= l.o.KnownCommitted {\n",
		}},
	},
	{
		defect: "1264, 1282", rule: "R2", name: "NEWLEADER is acknowledged before the epoch is on disk", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\t\tout.Persist = append(out.Persist, Persist{Kind: CurrentEpoch, Epoch: l.epoch})\n",
			new:  "\t\tout.Persist = append(out.Persist, Persist{Kind: CurrentEpoch, Epoch: l.epoch})\n\t\tl.confirm(out)\n",
		}},
	},
	{
		defect: "3023, 3911, 4646", rule: "R2", name: "NEWLEADER is acknowledged before history is on disk",
		pkg: zab, run: "TestT3911AcknowledgedHistorySurvives",
		edits: []edit{
			{
				file: "internal/zab/learnersync.go",
				old:  "\tcase l.durable < l.target || l.writing:\n",
				new:  "\tcase l.writing:\n",
			},
			{
				file: "internal/zab/learnersync.go",
				old:  "\tl.enter(settling)\n\tl.settle(out)\n",
				new:  "\tl.enter(settling)\n\tl.o.Current = l.epoch\n\tl.settle(out)\n",
			},
		},
	},
	{
		defect: "4643", rule: "R2", name: "the epoch is taken before history is on disk", pkg: zab, run: "TestT4643EpochComesAfterHistory",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\tcase l.durable < l.target || l.writing:\n",
			new:  "\tcase l.writing:\n",
		}},
	},
	{
		defect: "4785", rule: "R2, R4", name: "what is being written is acknowledged with NEWLEADER", pkg: zab, run: "TestRandomFaults",
		edits: []edit{{
			file: "internal/zab/learner.go",
			old:  "\tif l.o.Observer || l.durable <= l.acked {\n",
			new:  "\tl.durable = l.history.Last()\n\tif l.o.Observer || l.durable <= l.acked {\n",
		}},
	},
	{
		defect: "1367", rule: "R10", name: "proposals between NEWLEADER and UPTODATE are lost", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\tcase peerwire.Proposal:\n\t\tl.appendProposal(packet.Zxid, packet.Data, out)\n",
			new:  "\tcase peerwire.Proposal:\n\t\tif l.phase == catchingUp {\n\t\t\tl.appendProposal(packet.Zxid, packet.Data, out)\n\t\t}\n",
		}},
	},
	{
		defect: "2355", rule: "R5", name: "the zxid of DIFF is taken for what is here", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\tcase peerwire.Diff:\n",
			new:  "\tcase peerwire.Diff:\n\t\tl.history.Reset(packet.Zxid)\n",
		}},
	},
	{
		defect: "1551", rule: "R10", name: "an observer ignores what comes before UPTODATE",
		pkg: zab, run: "TestAnObserverKeepsWhatCameBeforeUpToDate",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\tcase peerwire.Inform, peerwire.InformAndActivate:\n\t\tl.inform(packet, out)\n",
			new:  "\tcase peerwire.Inform, peerwire.InformAndActivate:\n",
		}},
	},
	{
		defect: "2172", rule: "R10", name: "a configuration that comes into force before UPTODATE is forgotten",
		pkg: zab, run: "TestT2172bActivatedWhileSynchronising",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\t\tif l.note(packet.Zxid, out) {\n\t\t\tl.activate(packet.Zxid, packet.Data, out)\n\t\t}\n\tcase peerwire.Inform",
			new:  "\t\tl.note(packet.Zxid, out)\n\tcase peerwire.Inform",
		}},
	},
	{
		defect: "4394", rule: "R10", name: "a COMMIT between NEWLEADER and UPTODATE costs the link", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\tcase peerwire.Commit:\n\t\tl.note(packet.Zxid, out)\n",
			new: "\tcase peerwire.Commit:\n\t\tif l.phase == confirmed {\n\t\t\tl.depart(out, \"nothing to commit\")\n\t\t\treturn\n\t\t}\n" +
				"\t\tl.note(packet.Zxid, out)\n",
		}},
	},
	{
		defect: "4925", rule: "R7", name: "the history in memory has a hole where DIFF brought something",
		pkg: zab, run: "TestT4925HistoryHasNoHole",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\tl.history.Append(rec)\n",
			new: "\tif l.phase == catchingUp {\n\t\tl.history.records = append(l.history.records[:0:0], rec)\n\t} else {\n" +
				"\t\tl.history.Append(rec)\n\t}\n",
		}},
	},
	{
		defect: "2846", rule: "R8", name: "a learner does not look whether a proposal follows", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\tif !z.Follows(last) || z.Epoch() > l.epoch {\n",
			new:  "\tif z.Epoch() > l.epoch {\n",
		}},
	},
	{
		defect: "1783", rule: "R29", name: "a leader's older configuration is adopted",
		pkg: zab, run: "TestR29OnlyANewerConfigurationIsAdopted",
		edits: []edit{{
			file: "internal/zab/reconfig.go",
			old:  "\tif l.o.Reconfig && c.Version > l.o.Config.Version && (",
			new:  "\tif l.o.Reconfig && (",
		}},
	},
	{
		defect: "2819, 3829, 3830, 3814, 3842", rule: "5.1", name: "a leader's configuration is adopted although it may not change",
		pkg: zab, run: "TestR29OnlyANewerConfigurationIsAdopted",
		edits: []edit{{
			file: "internal/zab/reconfig.go",
			old:  "\tif l.o.Reconfig && c.Version > l.o.Config.Version && (",
			new:  "\tif c.Version > l.o.Config.Version && (",
		}},
	},
	{
		defect: "1521", rule: "4.17", name: "a follower waits for initLimit", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/learner.go",
			old:  "\t\tl.deadline = l.now.Add(l.o.ticks(l.o.SyncLimit))\n",
			new:  "\t\tl.deadline = l.now.Add(l.o.ticks(l.o.InitLimit))\n",
		}},
	},
	{
		rule: "R24", name: "no snapshot is asked for where the cut was not possible", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/learner.go",
			old:  "\t\tout.NeedSnapshot = l.phase == truncating\n",
			new:  "",
		}},
	},
	{
		rule: "R25", name: "what is committed is delivered before UPTODATE", pkg: zab, run: "TestTraces",
		edits: []edit{{
			file: "internal/zab/learnersync.go",
			old:  "\tcase peerwire.Commit:\n\t\tl.note(packet.Zxid, out)\n",
			new:  "\tcase peerwire.Commit:\n\t\tif l.note(packet.Zxid, out) {\n\t\t\tl.deliver(out)\n\t\t}\n",
		}},
	},
}
