package sim

import (
	"math"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// What is kept of one register's history at most: enough for a violation to
// show, few enough for the checker to finish.
const (
	registerCalls   = 60
	registerUnknown = 5
)

// A register is the history of one node as its clients saw it, for a general
// linearizability checker that knows nothing of zxids or of the oracle.
type register struct {
	calls   []*registerCall
	unknown int
	ended   bool // nothing called from here on is kept
}

// A registerCall is one request, or a sync and a read together.
type registerCall struct {
	client  int
	op      zk.OpCode
	data    string
	version int32
	begin   time.Duration
	end     time.Duration
	state   registerResult
	code    zk.Code
	got     string
}

type registerResult int

const (
	registerOpen registerResult = iota
	registerAnswered
	registerLost // outcome unknown
)

// A registerState is the node in the checker's model.
type registerState struct {
	exists  bool
	data    string
	version int32
}

// end stops the recording: later writes are not known to the checker.
func (r *register) end() { r.ended = true }

// keyOf returns the register of a path, or nil.
func (l *Workload) keyOf(path string) *register {
	if !strings.HasPrefix(path, registerDir+"/k") {
		return nil
	}
	if i := int(path[len(path)-1] - '0'); i < plainRegisters {
		return &l.keys[i]
	}
	return nil
}

// registerBegin records that a write is called.
func (l *Workload) registerBegin(c *Client, k *call) {
	r := l.keyOf(k.path)
	if r == nil || r.ended {
		return
	}
	if len(r.calls) >= registerCalls || r.unknown > registerUnknown {
		r.end()
		return
	}
	k.reg = &registerCall{client: c.index, op: k.op, data: string(k.data), version: k.version, begin: l.w.Now()}
	r.calls = append(r.calls, k.reg)
}

// registerDone records the answer to a write. Once the recording has ended, an
// answer may owe something to a write that the checker does not know.
func (l *Workload) registerDone(k *call, code zk.Code) {
	if k.reg != nil && !l.keyOf(k.path).ended {
		k.reg.end, k.reg.state, k.reg.code = l.w.Now(), registerAnswered, code
	}
}

// registerRead records a sync and a read, once answered.
func (l *Workload) registerRead(c *Client, k *call, begin time.Duration) {
	r := l.keyOf(k.path)
	if r == nil || r.ended || len(r.calls) >= registerCalls {
		return
	}
	k.then = func(k *call, h wire.ReplyHeader) {
		if r.ended || h.Err != zk.OK && h.Err != zk.NoNode {
			return
		}
		v := l.o.model.at(k.path, h.Zxid) // compared with the reply already
		r.calls = append(r.calls, &registerCall{
			client: c.index, op: zk.OpGetData, begin: begin, end: l.w.Now(), state: registerAnswered,
			code: h.Err, got: string(v.data), version: v.stat.Version,
		})
	}
}

// lost is told of each request whose connection ended before the answer.
func (l *Workload) lost(k *call) {
	if k.reg != nil {
		k.reg.state = registerLost
		l.keyOf(k.path).unknown++
	}
}

// checkRegisters asks porcupine whether each register is linearizable.
func (l *Workload) checkRegisters() {
	for i := range l.keys {
		var history []porcupine.Operation
		for _, k := range l.keys[i].calls {
			op := porcupine.Operation{ClientId: k.client, Input: k, Call: int64(k.begin), Return: int64(k.end)}
			if k.state != registerAnswered {
				op.Return = math.MaxInt64
			}
			history = append(history, op)
		}
		if !porcupine.CheckOperations(registerModel, history) {
			l.w.Failf("register %d is not linearizable (INV-O1): %d operations", i, len(history))
		}
	}
}

var registerModel = porcupine.Model{
	Init: func() any { return registerState{} },
	Step: func(state, input, _ any) (bool, any) {
		return input.(*registerCall).step(state.(registerState))
	},
}

// step is one operation of the model: may it answer so, and what is then.
func (k *registerCall) step(s registerState) (bool, registerState) {
	next, code := s, zk.OK
	switch {
	case k.op == zk.OpGetData:
		if !s.exists {
			return k.code == zk.NoNode, s
		}
		return k.code == zk.OK && k.got == s.data && k.version == s.version, s
	case k.op == zk.OpCreate || k.op == zk.OpCreate2:
		next = registerState{exists: true, data: k.data}
		if s.exists {
			code = zk.NodeExists
		}
	case !s.exists:
		code = zk.NoNode
	case k.version != -1 && k.version != s.version:
		code = zk.BadVersion
	case k.op == zk.OpSetData:
		next = registerState{exists: true, data: k.data, version: s.version + 1}
	default:
		next = registerState{}
	}
	if code != zk.OK {
		next = s
	}
	// An unanswered request takes effect at one moment, which may be after
	// everything else: as if never.
	return k.state != registerAnswered || k.code == code, next
}
