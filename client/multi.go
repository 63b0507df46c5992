package client

import (
	"context"
	"fmt"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// An Op is one operation of a Multi.
type Op struct {
	path       string
	sequential bool
	build      func(c *Client) wire.MultiOp
}

// CreateOp is Create in a Multi.
func CreateOp(path string, data []byte, o CreateOptions) Op {
	return Op{path: path, sequential: o.Mode.Sequential(), build: func(c *Client) wire.MultiOp {
		op, body := c.createRequest(path, data, o)
		return wire.MultiOp{Op: op, Body: body}
	}}
}

// DeleteOp is Delete in a Multi.
func DeleteOp(path string, version int32) Op {
	return Op{path: path, build: func(c *Client) wire.MultiOp {
		return wire.MultiOp{Op: zk.OpDelete, Body: wire.DeleteRequest{Path: c.full(path), Version: version}}
	}}
}

// SetOp is Set in a Multi.
func SetOp(path string, data []byte, version int32) Op {
	return Op{path: path, build: func(c *Client) wire.MultiOp {
		return wire.MultiOp{Op: zk.OpSetData, Body: wire.SetDataRequest{Path: c.full(path), Data: data, Version: version}}
	}}
}

// CheckOp fails the Multi unless the node has the version.
func CheckOp(path string, version int32) Op {
	return Op{path: path, build: func(c *Client) wire.MultiOp {
		return wire.MultiOp{Op: zk.OpCheck, Body: wire.CheckRequest{Path: c.full(path), Version: version}}
	}}
}

// A Result is the result of one Op.
type Result struct {
	Path string // of a created node
	Stat Stat   // of a created or changed node
	Err  error  // why this op failed; RuntimeInconsistency for those behind it
}

// Multi does all operations or none. When one fails the error is that of the
// first that did, and the results tell of each.
func (c *Client) Multi(ctx context.Context, ops ...Op) ([]Result, error) {
	var m wire.MultiRequest
	for _, op := range ops {
		if err := check(zk.OpMulti, op.path, op.sequential); err != nil {
			return nil, err
		}
		m.Ops = append(m.Ops, op.build(c))
	}
	reply, err := c.call(ctx, zk.OpMulti, "", m.Append(nil))
	if err != nil {
		return nil, err
	}
	var r wire.MultiResponse
	if err := decode(zk.OpMulti, "", reply, &r); err != nil {
		return nil, err
	}
	if len(r.Results) != len(ops) {
		return nil, &Error{Op: zk.OpMulti.String(), Err: fmt.Errorf("%d results for %d operations", len(r.Results), len(ops))}
	}
	results := make([]Result, len(ops))
	var first error
	for i, one := range r.Results {
		results[i] = Result{Path: c.strip(one.Path), Stat: one.Stat}
		if one.Code == zk.OK {
			continue
		}
		results[i].Err = one.Code
		if first == nil {
			first = &Error{Op: m.Ops[i].Op.String(), Path: ops[i].path, Err: one.Code}
		}
	}
	return results, first
}
