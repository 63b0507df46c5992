package history

import (
	"fmt"
	"math"
	"strings"
	"time"

	"ostler/internal/zk"
)

// Never is when a request was answered that was not.
const Never time.Duration = math.MaxInt64

// An Outcome is what a client knows of a request.
type Outcome uint8

// The outcomes.
const (
	Lost    Outcome = iota // no answer: a write may have been carried out or not
	Acked                  // answered without an error
	Refused                // answered with one
)

// An Op is one request of a session. A session sends the next when the one before is
// answered or its connection given up.
type Op struct {
	Session zk.SessionID
	Seat    int // the server asked
	Call    time.Duration
	Return  time.Duration // Never when Lost
	Kind    zk.OpCode
	Outcome Outcome
	Zxid    zk.Zxid // of the reply
	Parts   []Part  // one, but for a multi, multiRead, sync or closeSession
}

// A Part is what an Op does to one node, or finds there.
type Part struct {
	Kind       zk.OpCode // create2, setData, delete, getData
	Path       string    // as answered; of a lost sequential create as asked
	Data       string    // written or read
	Version    int32     // the condition of setData and delete, -1 for none
	Sequential bool
	Ephemeral  bool
	Code       zk.Code // of the answer
	Stat       zk.Stat // of an answer without an error, delete's apart
}

// writes reports whether o changes the tree.
func (o *Op) writes() bool {
	switch o.Kind {
	case zk.OpCreate2, zk.OpSetData, zk.OpDelete, zk.OpMulti, zk.OpCloseSession:
		return true
	}
	return false
}

// String returns o on a line.
func (o *Op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v..", o.Call.Round(time.Microsecond))
	if o.Outcome != Lost {
		fmt.Fprint(&b, o.Return.Round(time.Microsecond))
	}
	fmt.Fprintf(&b, " session %v server %d %v", o.Session, o.Seat, o.Kind)
	for _, p := range o.Parts {
		fmt.Fprintf(&b, " [%v %s %q version %d", p.Kind, p.Path, p.Data, p.Version)
		if o.Outcome != Lost {
			fmt.Fprintf(&b, ": %d czxid %v mzxid %v version %d", p.Code, p.Stat.Czxid, p.Stat.Mzxid, p.Stat.Version)
		}
		b.WriteByte(']')
	}
	switch o.Outcome {
	case Lost:
		b.WriteString(" not answered")
	case Acked:
		fmt.Fprintf(&b, " ok at %v", o.Zxid)
	case Refused:
		fmt.Fprintf(&b, " refused at %v", o.Zxid)
	}
	return b.String()
}

// An End is how a session ended, as its client knows it.
type End uint8

// The ends.
const (
	Kept      End = iota // it lives until the trees have been read
	Closed               // its closeSession was answered
	Abandoned            // its client went away, or got no answer to closeSession
	Expired              // the client was told so
)

// A Session is one session, from the call that asked for it.
type Session struct {
	ID      zk.SessionID
	Timeout time.Duration
	Opened  time.Duration
	End     End
	Ended   time.Duration // when the client was told, or left
}

// A Tree is what a server showed when all was over.
type Tree struct {
	Seat  int
	Nodes map[string]Node
}

// A Node is one node of a Tree.
type Node struct {
	Data string
	Stat zk.Stat
}

// A History is all that is judged.
type History struct {
	Ops      []Op
	Sessions []Session
	Trees    []Tree
	// Bank is the folder of the accounts, whose data begin with their balance, and
	// Total what they hold together.
	Bank  string
	Total int
	// Lax holds the epochs with a leader of ZooKeeper's, by its seat. It answers the
	// syncs of its own clients from what it has applied, and those of others without
	// asking whether it leads still (quorum.md 4.16).
	Lax map[zk.Epoch]int
}

// A Violation is something that a correct ensemble does not show.
type Violation struct {
	Invariant string // of invariants.md
	Text      string
	Paths     []string // the nodes it is about
	Session   zk.SessionID
}

// String returns v on a line.
func (v Violation) String() string { return v.Invariant + ": " + v.Text }

// About returns the ops that concern v, in the order of their calls.
func (h *History) About(v Violation) []*Op {
	var list []*Op
	for i := range h.Ops {
		o := &h.Ops[i]
		if v.Session != 0 && o.Session == v.Session || touches(o, v.Paths) {
			list = append(list, o)
		}
	}
	return list
}

func touches(o *Op, paths []string) bool {
	for _, p := range o.Parts {
		for _, path := range paths {
			if p.Path == path {
				return true
			}
		}
	}
	return false
}
