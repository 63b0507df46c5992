//go:build interop

package differ

import (
	"slices"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A trial plays a script and reports whether the difference that is being looked
// for shows.
type trial func(s script) bool

// shrink returns a script that still shows the difference, and from which nothing
// can be left out: no step, no request of a burst, no operation of a multi. What
// need not be odd is plain.
func shrink(s script, shows trial) script {
	for size := len(s.steps) / 2; size > 0; size /= 2 {
		for i := 0; i+size <= len(s.steps); {
			shorter := script{s.seed, slices.Delete(slices.Clone(s.steps), i, i+size)}
			if shows(shorter) {
				s = shorter
			} else {
				i += size
			}
		}
	}
	for i := 0; i < len(s.steps); i++ {
		for _, make := range []func(step) []step{fewerRequests, simplerRequests} {
			s = improve(s, i, shows, make)
		}
	}
	return s
}

// improve replaces step i by better ones for as long as the difference shows.
func improve(s script, i int, shows trial, better func(step) []step) script {
	for again := true; again; {
		again = false
		for _, st := range better(s.steps[i]) {
			other := script{s.seed, slices.Clone(s.steps)}
			other.steps[i] = st
			if shows(other) {
				s, again = other, true
				break
			}
		}
	}
	return s
}

// fewerRequests returns the step without one of its requests, for each.
func fewerRequests(st step) []step {
	var list []step
	for i := range st.reqs {
		if st.act == send && len(st.reqs) == 1 {
			break
		}
		other := st
		other.reqs = slices.Delete(slices.Clone(st.reqs), i, i+1)
		list = append(list, other)
	}
	return list
}

// simplerRequests returns the step with one of its requests made simpler, in each
// way there is.
func simplerRequests(st step) []step {
	var list []step
	for i, r := range st.reqs {
		for _, body := range simpler(r.body) {
			other := st
			other.reqs = slices.Clone(st.reqs)
			other.reqs[i].body, other.reqs[i].raw = body, nil
			list = append(list, other)
		}
	}
	return list
}

// simpler returns bodies that are simpler than r.
func simpler(r wire.Record) []wire.Record {
	var list []wire.Record
	switch r := r.(type) {
	case wire.CreateRequest:
		for _, c := range simplerCreates(r) {
			list = append(list, c)
		}
	case wire.CreateTTLRequest:
		for _, c := range simplerCreates(r.CreateRequest) {
			list = append(list, wire.CreateTTLRequest{CreateRequest: c, TTL: r.TTL})
		}
	case wire.SetDataRequest:
		if len(r.Data) > 0 {
			r.Data = []byte{}
			list = append(list, r)
		}
	case wire.MultiRequest:
		for _, ops := range simplerOps(r.Ops) {
			list = append(list, wire.MultiRequest{Ops: ops})
		}
	case wire.MultiReadRequest:
		for _, ops := range simplerOps(r.Ops) {
			list = append(list, wire.MultiReadRequest{Ops: ops})
		}
	case setWatches:
		return simplerWatches(r)
	}
	return list
}

func simplerCreates(r wire.CreateRequest) []wire.CreateRequest {
	var list []wire.CreateRequest
	if !slices.Equal(r.ACL, zk.OpenACL()) {
		c := r
		c.ACL = zk.OpenACL()
		list = append(list, c)
	}
	if len(r.Data) > 0 {
		c := r
		c.Data = []byte{}
		list = append(list, c)
	}
	return list
}

// simplerOps returns the operations without one, or with a simpler one.
func simplerOps(ops []wire.MultiOp) [][]wire.MultiOp {
	var list [][]wire.MultiOp
	for i, op := range ops {
		list = append(list, slices.Delete(slices.Clone(ops), i, i+1))
		for _, body := range simpler(op.Body) {
			other := slices.Clone(ops)
			other[i].Body = body
			list = append(list, other)
		}
	}
	return list
}

func simplerWatches(r setWatches) []wire.Record {
	var list []wire.Record
	for i, paths := range []*[]string{&r.Data, &r.Exist, &r.Child, &r.Persistent, &r.PersistentRecursive} {
		if len(*paths) == 0 {
			continue
		}
		other := r
		last := (*paths)[:len(*paths)-1]
		*[]*[]string{&other.Data, &other.Exist, &other.Child, &other.Persistent, &other.PersistentRecursive}[i] = last
		list = append(list, other)
	}
	return list
}
