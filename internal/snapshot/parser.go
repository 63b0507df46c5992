package snapshot

import (
	"errors"
	"fmt"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// The reasons why bytes are not a snapshot.
var (
	ErrStructure = errors.New("not the structure of a snapshot")
	ErrSeal      = errors.New("checksum does not match")
)

type parserState int

const (
	atSessionCount parserState = iota
	atSession
	atACLCount
	atACL
	atNode
	atEnd
)

// A parser takes sessions, ACL table and nodes as they come, for files and
// streams alike.
type parser struct {
	sink  Sink
	limit int // of one string or buffer
	state parserState
	left  int64 // sessions or lists still to come
	acls  map[int64][]zk.ACL
	nodes int
}

// feed takes as many whole records from b as there are. done: the end of the nodes was
// among them.
func (p *parser) feed(b []byte) (consumed int, done bool, err error) {
	for p.state != atEnd {
		r := jute.NewReaderLimit(b[consumed:], p.limit)
		err := p.record(&r)
		if errors.Is(err, jute.ErrShort) {
			if len(b)-consumed > 2*p.limit+pieceLen {
				return consumed, false, fmt.Errorf("%w: a record beyond the limit", ErrStructure)
			}
			return consumed, false, nil
		}
		if err != nil {
			return consumed, false, err
		}
		consumed = len(b) - r.Len()
	}
	return consumed, true, nil
}

// record reads one record. When r is too short nothing has happened.
func (p *parser) record(r *jute.Reader) error {
	switch p.state {
	case atSessionCount, atACLCount:
		return p.count(r)
	case atSession:
		id, timeout := zk.SessionID(r.Int64()), r.Int32()
		if r.Err() != nil {
			return r.Err()
		}
		p.sink.Session(id, timeout)
		p.step()
	case atACL:
		id, acl := r.Int64(), r.ACLs()
		if r.Err() != nil {
			return r.Err()
		}
		if acl == nil || id == openACL {
			return fmt.Errorf("%w: impossible access list %d", ErrStructure, id)
		}
		p.acls[id] = acl
		p.step()
	case atNode:
		return p.node(r)
	}
	return nil
}

// count begins the sessions or the lists.
func (p *parser) count(r *jute.Reader) error {
	n := r.Int32()
	if r.Err() != nil {
		return r.Err()
	}
	if n < 0 {
		return fmt.Errorf("%w: count %d", ErrStructure, n)
	}
	if p.state == atACLCount {
		p.acls = map[int64][]zk.ACL{openACL: zk.OpenACL()}
	}
	p.state++
	p.left = int64(n) + 1
	p.step()
	return nil
}

// step counts a session or list down.
func (p *parser) step() {
	if p.left--; p.left == 0 {
		p.state++
	}
}

func (p *parser) node(r *jute.Reader) error {
	n := Node{Path: r.String()}
	if r.Err() == nil && n.Path == endOfNodes {
		if p.nodes == 0 {
			return fmt.Errorf("%w: no root", ErrStructure)
		}
		p.state = atEnd
		return nil
	}
	n.Data = r.BufferCopy()
	acl := r.Int64()
	n.Stat = r.StatPersisted()
	if r.Err() != nil {
		return r.Err()
	}
	if isRoot := n.Path == ""; isRoot != (p.nodes == 0) || !isRoot && n.Path[0] != '/' {
		return fmt.Errorf("%w: node %q in place %d", ErrStructure, n.Path, p.nodes)
	}
	list, ok := p.acls[acl]
	if !ok {
		return fmt.Errorf("%w: node %q has the access list %d, which is not there", ErrStructure, n.Path, acl)
	}
	n.ACL = list
	p.nodes++
	return p.sink.Node(&n)
}

// A StreamReader takes the stream behind a SNAP packet piece by piece.
type StreamReader struct {
	p    parser
	done bool
}

// NewStreamReader returns a reader that refuses strings and buffers above limit.
func NewStreamReader(sink Sink, limit int) *StreamReader {
	return &StreamReader{p: parser{sink: sink, limit: limit}}
}

// Feed takes what it can use of b; the rest is to come again, with more. done: the
// stream ended with its signature, and what follows belongs to others.
func (r *StreamReader) Feed(b []byte) (consumed int, done bool, err error) {
	if r.done {
		return 0, true, nil
	}
	consumed, done, err = r.p.feed(b)
	if err != nil || !done {
		return consumed, false, err
	}
	jr := jute.NewReaderLimit(b[consumed:], len(signature))
	got := jr.String()
	switch {
	case errors.Is(jr.Err(), jute.ErrShort):
		return consumed, false, nil
	case jr.Err() != nil || got != signature:
		return consumed, false, fmt.Errorf("%w: the stream ends with another signature", ErrStructure)
	}
	r.done = true
	return len(b) - jr.Len(), true, nil
}
