package wire

import (
	"ostler/internal/jute"
	"ostler/internal/zk"
)

// A PathResponse is the reply to create and sync.
type PathResponse struct {
	Path     string
	NullPath bool // sync echoes a null path
}

// Append appends p to dst.
func (p PathResponse) Append(dst []byte) []byte { return appendPath(dst, p.Path, p.NullPath) }

// Decode sets p from the front of b.
func (p *PathResponse) Decode(b []byte) error {
	r := reader(b)
	p.Path, p.NullPath = r.StringNull()
	return r.Err()
}

// A Create2Response is the reply to create2, createContainer and createTTL.
type Create2Response struct {
	Path string
	Stat zk.Stat
}

// Append appends c to dst.
func (c Create2Response) Append(dst []byte) []byte {
	dst = jute.AppendString(dst, c.Path)
	return jute.AppendStat(dst, c.Stat)
}

// Decode sets c from the front of b.
func (c *Create2Response) Decode(b []byte) error {
	r := reader(b)
	*c = Create2Response{Path: r.String(), Stat: r.Stat()}
	return r.Err()
}

// A StatResponse is the reply to exists, setData and setACL.
type StatResponse struct {
	Stat zk.Stat
}

// Append appends s to dst.
func (s StatResponse) Append(dst []byte) []byte { return jute.AppendStat(dst, s.Stat) }

// Decode sets s from the front of b.
func (s *StatResponse) Decode(b []byte) error {
	r := reader(b)
	s.Stat = r.Stat()
	return r.Err()
}

// A GetDataResponse is the reply to getData and reconfig.
type GetDataResponse struct {
	Data []byte // nil is null
	Stat zk.Stat
}

// Append appends g to dst.
func (g GetDataResponse) Append(dst []byte) []byte {
	dst = jute.AppendBuffer(dst, g.Data)
	return jute.AppendStat(dst, g.Stat)
}

// Decode sets g from the front of b.
func (g *GetDataResponse) Decode(b []byte) error {
	r := reader(b)
	*g = GetDataResponse{Data: r.Buffer(), Stat: r.Stat()}
	return r.Err()
}

// A GetACLResponse is the reply to getACL.
type GetACLResponse struct {
	ACL  []zk.ACL
	Stat zk.Stat
}

// Append appends g to dst.
func (g GetACLResponse) Append(dst []byte) []byte {
	dst = jute.AppendACLs(dst, g.ACL)
	return jute.AppendStat(dst, g.Stat)
}

// Decode sets g from the front of b.
func (g *GetACLResponse) Decode(b []byte) error {
	r := reader(b)
	*g = GetACLResponse{ACL: r.ACLs(), Stat: r.Stat()}
	return r.Err()
}

// A ChildrenResponse is the reply to getChildren, and, with paths, to
// getEphemerals.
type ChildrenResponse struct {
	Children []string
}

// Append appends c to dst.
func (c ChildrenResponse) Append(dst []byte) []byte {
	return jute.AppendStringVector(dst, c.Children)
}

// Decode sets c from the front of b.
func (c *ChildrenResponse) Decode(b []byte) error {
	r := reader(b)
	c.Children = r.Strings()
	return r.Err()
}

// A Children2Response is the reply to getChildren2.
type Children2Response struct {
	Children []string
	Stat     zk.Stat
}

// Append appends c to dst.
func (c Children2Response) Append(dst []byte) []byte {
	dst = jute.AppendStringVector(dst, c.Children)
	return jute.AppendStat(dst, c.Stat)
}

// Decode sets c from the front of b.
func (c *Children2Response) Decode(b []byte) error {
	r := reader(b)
	*c = Children2Response{Children: r.Strings(), Stat: r.Stat()}
	return r.Err()
}

// An Int32Response is the reply to getAllChildrenNumber, and to addWatch, which
// answers 0 (5.12, 8.5).
type Int32Response struct {
	Value int32
}

// Append appends i to dst.
func (i Int32Response) Append(dst []byte) []byte { return jute.AppendInt32(dst, i.Value) }

// Decode sets i from the front of b.
func (i *Int32Response) Decode(b []byte) error {
	r := reader(b)
	i.Value = r.Int32()
	return r.Err()
}

// A WhoAmIResponse is the reply to whoAmI (5.13): the scheme and the user name
// of each identity, nil being null.
type WhoAmIResponse struct {
	Clients []zk.ID
}

// Append appends w to dst.
func (w WhoAmIResponse) Append(dst []byte) []byte { return jute.AppendIDs(dst, w.Clients) }

// Decode sets w from the front of b.
func (w *WhoAmIResponse) Decode(b []byte) error {
	r := reader(b)
	w.Clients = r.IDs()
	return r.Err()
}
