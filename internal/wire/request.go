package wire

import (
	"ostler/internal/jute"
	"ostler/internal/zk"
)

// A CreateRequest is the body of create, create2 and createContainer
// (client-protocol.md 5.1).
type CreateRequest struct {
	Path     string
	NullPath bool
	Data     []byte   // nil is null
	ACL      []zk.ACL // nil is null
	Flags    zk.CreateMode
}

// Append appends c to dst.
func (c CreateRequest) Append(dst []byte) []byte {
	dst = appendPath(dst, c.Path, c.NullPath)
	dst = jute.AppendBuffer(dst, c.Data)
	dst = jute.AppendACLs(dst, c.ACL)
	return jute.AppendInt32(dst, int32(c.Flags))
}

// Decode sets c from the front of b.
func (c *CreateRequest) Decode(b []byte) error {
	r := reader(b)
	c.read(&r)
	return r.Err()
}

func (c *CreateRequest) read(r *jute.Reader) {
	c.Path, c.NullPath = path(r)
	c.Data = r.Buffer()
	c.ACL = acls(r)
	c.Flags = zk.CreateMode(r.Int32())
}

// A CreateTTLRequest is the body of createTTL.
type CreateTTLRequest struct {
	CreateRequest
	TTL int64 // ms
}

// Append appends c to dst.
func (c CreateTTLRequest) Append(dst []byte) []byte {
	dst = c.CreateRequest.Append(dst)
	return jute.AppendInt64(dst, c.TTL)
}

// Decode sets c from the front of b.
func (c *CreateTTLRequest) Decode(b []byte) error {
	r := reader(b)
	c.read(&r)
	return r.Err()
}

func (c *CreateTTLRequest) read(r *jute.Reader) {
	c.CreateRequest.read(r)
	c.TTL = r.Int64()
}

// A DeleteRequest is the body of delete (5.2).
type DeleteRequest struct {
	Path     string
	NullPath bool
	Version  int32
}

// Append appends d to dst.
func (d DeleteRequest) Append(dst []byte) []byte {
	dst = appendPath(dst, d.Path, d.NullPath)
	return jute.AppendInt32(dst, d.Version)
}

// Decode sets d from the front of b.
func (d *DeleteRequest) Decode(b []byte) error {
	r := reader(b)
	d.read(&r)
	return r.Err()
}

func (d *DeleteRequest) read(r *jute.Reader) {
	d.Path, d.NullPath = path(r)
	d.Version = r.Int32()
}

// A CheckRequest is the body of check (5.8).
type CheckRequest struct {
	Path     string
	NullPath bool
	Version  int32
}

// Append appends c to dst.
func (c CheckRequest) Append(dst []byte) []byte { return DeleteRequest(c).Append(dst) }

// Decode sets c from the front of b.
func (c *CheckRequest) Decode(b []byte) error { return (*DeleteRequest)(c).Decode(b) }

func (c *CheckRequest) read(r *jute.Reader) { (*DeleteRequest)(c).read(r) }

// A PathWatchRequest is the body of exists, getData, getChildren and
// getChildren2 (5.4).
type PathWatchRequest struct {
	Path     string
	NullPath bool
	Watch    bool
}

// Append appends p to dst.
func (p PathWatchRequest) Append(dst []byte) []byte {
	dst = appendPath(dst, p.Path, p.NullPath)
	return jute.AppendBool(dst, p.Watch)
}

// Decode sets p from the front of b.
func (p *PathWatchRequest) Decode(b []byte) error {
	r := reader(b)
	p.read(&r)
	return r.Err()
}

func (p *PathWatchRequest) read(r *jute.Reader) {
	p.Path, p.NullPath = path(r)
	p.Watch = r.Bool()
}

// A SetDataRequest is the body of setData (5.5).
type SetDataRequest struct {
	Path     string
	NullPath bool
	Data     []byte // nil is null
	Version  int32
}

// Append appends s to dst.
func (s SetDataRequest) Append(dst []byte) []byte {
	dst = appendPath(dst, s.Path, s.NullPath)
	dst = jute.AppendBuffer(dst, s.Data)
	return jute.AppendInt32(dst, s.Version)
}

// Decode sets s from the front of b.
func (s *SetDataRequest) Decode(b []byte) error {
	r := reader(b)
	s.read(&r)
	return r.Err()
}

func (s *SetDataRequest) read(r *jute.Reader) {
	s.Path, s.NullPath = path(r)
	s.Data = r.Buffer()
	s.Version = r.Int32()
}

// A SetACLRequest is the body of setACL (5.7).
type SetACLRequest struct {
	Path     string
	NullPath bool
	ACL      []zk.ACL // nil is null
	Version  int32
}

// Append appends s to dst.
func (s SetACLRequest) Append(dst []byte) []byte {
	dst = appendPath(dst, s.Path, s.NullPath)
	dst = jute.AppendACLs(dst, s.ACL)
	return jute.AppendInt32(dst, s.Version)
}

// Decode sets s from the front of b.
func (s *SetACLRequest) Decode(b []byte) error {
	r := reader(b)
	s.Path, s.NullPath = path(&r)
	s.ACL = acls(&r)
	s.Version = r.Int32()
	return r.Err()
}

// A PathRequest is the body of getACL, sync, getEphemerals,
// getAllChildrenNumber and deleteContainer.
type PathRequest struct {
	Path     string
	NullPath bool
}

// Append appends p to dst.
func (p PathRequest) Append(dst []byte) []byte { return appendPath(dst, p.Path, p.NullPath) }

// Decode sets p from the front of b.
func (p *PathRequest) Decode(b []byte) error {
	r := reader(b)
	p.Path, p.NullPath = path(&r)
	return r.Err()
}

// A ReconfigRequest is the body of reconfig (5.14). NewMembers, if not null, is
// the whole configuration.
type ReconfigRequest struct {
	Joining, Leaving, NewMembers             string
	NullJoining, NullLeaving, NullNewMembers bool
	ConfigVersion                            int64
}

// Append appends c to dst.
func (c ReconfigRequest) Append(dst []byte) []byte {
	dst = appendPath(dst, c.Joining, c.NullJoining)
	dst = appendPath(dst, c.Leaving, c.NullLeaving)
	dst = appendPath(dst, c.NewMembers, c.NullNewMembers)
	return jute.AppendInt64(dst, c.ConfigVersion)
}

// Decode sets c from the front of b.
func (c *ReconfigRequest) Decode(b []byte) error {
	r := reader(b)
	c.Joining, c.NullJoining = path(&r)
	c.Leaving, c.NullLeaving = path(&r)
	c.NewMembers, c.NullNewMembers = path(&r)
	c.ConfigVersion = r.Int64()
	return r.Err()
}

// A CreateSessionRequest is the body of createSession, which servers send each
// other (quorum.md 4.15).
type CreateSessionRequest struct {
	Timeout int32 // ms
}

// Append appends c to dst.
func (c CreateSessionRequest) Append(dst []byte) []byte { return jute.AppendInt32(dst, c.Timeout) }

// Decode sets c from the front of b.
func (c *CreateSessionRequest) Decode(b []byte) error {
	r := reader(b)
	c.Timeout = r.Int32()
	return r.Err()
}

// appendPath appends a string that may be null.
func appendPath(dst []byte, s string, isNull bool) []byte {
	if isNull {
		return jute.AppendNull(dst)
	}
	return jute.AppendString(dst, s)
}

// path reads a string of a request that may be null.
func path(r *jute.Reader) (s string, isNull bool) {
	s, isNull = r.StringNull()
	return jute.Text(s), isNull
}

// acls reads the ACL of a request.
func acls(r *jute.Reader) []zk.ACL {
	list := r.ACLs()
	for i := range list {
		id := &list[i].ID
		id.Scheme, id.ID = jute.Text(id.Scheme), jute.Text(id.ID)
	}
	return list
}
