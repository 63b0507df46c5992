package zkcli

import (
	"context"
	"encoding/base64"
	"strconv"

	"ostler/client"
	"ostler/internal/zk"
)

// create is: create [-s] [-e] [-c] [-t ttl] path [data] [acl].
func create(c *call) error {
	o, err := createMode(c.opts)
	if err != nil {
		return err
	}
	path := c.args[0]
	check := checkPath
	if o.Mode.Sequential() {
		check = checkSequential
	}
	if err := check(path); err != nil {
		return err
	}
	var data []byte
	if len(c.args) > 1 {
		data = []byte(c.args[1])
	}
	if len(c.args) > 2 {
		if o.ACL = c.parseACL(c.args[2]); len(o.ACL) == 0 {
			c.out.errorf("%s\n", keeperText(zk.InvalidACL, ""))
			return failf("Acl is not valid : null")
		}
	}
	zk, err := c.session()
	if err != nil {
		return err
	}
	created, _, err := zk.Create(background, path, data, o)
	if err != nil {
		return c.createError(err)
	}
	c.out.errorf("Created %s\n", created)
	return nil
}

// createError prints what create says ahead of the common message.
func (c *call) createError(err error) error {
	switch {
	case isCode(err, zk.EphemeralOnLocalSession):
		c.out.errorf("Unable to create ephemeral node on a local session\n")
	case isCode(err, zk.InvalidACL):
		c.out.errorf("%s\n", keeperErrorText(err))
	}
	return c.message(err)
}

// createMode turns the options of create into the kind of node.
func createMode(opts optionSet) (o client.CreateOptions, err error) {
	e, s, container := opts.has("e"), opts.has("s"), opts.has("c")
	switch {
	case container && (e || s):
		return o, failf("-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.")
	case opts.has("t"):
		return ttlMode(opts)
	case container:
		o.Mode = client.Container
	case e && s:
		o.Mode = client.EphemeralSequential
	case e:
		o.Mode = client.Ephemeral
	case s:
		o.Mode = client.PersistentSequential
	}
	return o, nil
}

func ttlMode(opts optionSet) (o client.CreateOptions, err error) {
	o.TTL, err = strconv.ParseInt(opts["t"], 10, 64)
	switch {
	case err != nil:
		return o, failf("-t argument must be a long value")
	case opts.has("c"):
		return o, failf("TTLs cannot be used with Container znodes")
	case opts.has("e"):
		return o, failf("TTLs cannot be used with Ephemeral znodes")
	case o.TTL <= 0 || o.TTL > zk.TTLMax:
		return o, failf("ttl must be positive and cannot be larger than: %d", zk.TTLMax)
	}
	o.Mode = client.PersistentTTL
	if opts.has("s") {
		o.Mode = client.SequentialTTL
	}
	return o, nil
}

// deleteNode is: delete [-v version] path. The version of the old form is
// ignored, as ZooKeeper does.
func deleteNode(c *call) error {
	version, err := c.version()
	if err != nil {
		return err
	}
	zk, err := c.zkFor(c.args[0])
	if err != nil {
		return err
	}
	return c.message(zk.Delete(background, c.args[0], version))
}

// version is the option -v.
func (c *call) version() (int32, error) {
	text, ok := c.opts["v"]
	if !ok {
		return client.AnyVersion, nil
	}
	v, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, failf("For input string: %q", text)
	}
	return int32(v), nil
}

// batchDefault is the number of deletes that deleteall puts in one multi.
const batchDefault = 1000

// deleteAll is: deleteall path [-b batch size].
func deleteAll(c *call) error {
	batch := batchDefault
	if text, ok := c.opts["b"]; ok {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return failf("-b argument must be an int value")
		}
		batch = int(n)
	}
	session, err := c.zkFor(c.args[0])
	if err != nil {
		return err
	}
	paths, err := subtree(session, c.args[0])
	if err != nil {
		return c.message(err)
	}
	for len(paths) > 0 {
		n := max(min(batch, len(paths)), 1)
		err := deleteLast(session, paths[len(paths)-n:])
		switch {
		case err != nil && batch < 1:
			return c.message(err)
		case err != nil:
			return note("Failed to delete some node(s) in the subtree!")
		}
		paths = paths[:len(paths)-n]
	}
	return nil
}

// deleteLast deletes paths, the last one first, in one request.
func deleteLast(session *client.Client, paths []string) error {
	if len(paths) == 1 {
		return session.Delete(background, paths[0], client.AnyVersion)
	}
	ops := make([]client.Op, len(paths))
	for i, path := range paths {
		ops[len(paths)-1-i] = client.DeleteOp(path, client.AnyVersion)
	}
	_, err := session.Multi(background, ops...)
	return err
}

// subtree lists path and what is below it, breadth first. A node that vanishes
// meanwhile is left out of its parent's children; path itself must exist.
func subtree(session *client.Client, path string) ([]string, error) {
	paths := []string{path}
	for i := 0; i < len(paths); i++ {
		names, _, err := session.Children(background, paths[i])
		if isCode(err, zk.NoNode) && i > 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		sortNames(names)
		for _, name := range names {
			paths = append(paths, zk.Join(paths[i], name))
		}
	}
	return paths, nil
}

// get is: get [-s] [-w] [-b] [-x] path.
func get(c *call) error {
	path := c.args[0]
	session, err := c.zkFor(path)
	if err != nil {
		return err
	}
	data, stat, err := c.getData(session, path)
	if err != nil {
		return c.message(err)
	}
	if data == nil {
		data = []byte("null")
	}
	switch {
	case c.opts.has("x"):
		c.out.printf("%s\n", hexDump(data))
	case c.opts.has("b"):
		c.out.printf("%s\n", base64.StdEncoding.EncodeToString(data))
	default:
		c.out.printf("%s\n", string([]rune(string(data))))
	}
	c.printStat(stat)
	return nil
}

func (c *call) getData(session *client.Client, path string) ([]byte, client.Stat, error) {
	if !c.opts.has("w") {
		return session.Get(background, path)
	}
	data, stat, _, err := session.GetW(background, path)
	return data, stat, err
}

// printStat prints the stat block if it was asked for. ZooKeeper 3.4 printed it
// after get, set and setAcl in any case, on standard error.
func (c *call) printStat(stat client.Stat) {
	switch {
	case c.opts.has("s"):
		c.out.printf("%s", statText(stat))
	case c.o.compat34 && (c.cmd.name == "get" || c.cmd.name == "set" || c.cmd.name == "setAcl"):
		c.out.errorf("%s", statText(stat))
	}
}

// set is: set path data [-s] [-v version] [-b].
func set(c *call) error {
	version, err := c.version()
	if err != nil {
		return err
	}
	data := []byte(c.args[1])
	if c.opts.has("b") {
		if data, err = base64.StdEncoding.DecodeString(c.args[1]); err != nil {
			return failf("data is not base64: %v", err)
		}
	}
	session, err := c.zkFor(c.args[0])
	if err != nil {
		return err
	}
	stat, err := session.Set(background, c.args[0], data, version)
	if err != nil {
		return c.message(err)
	}
	c.printStat(stat)
	return nil
}

// lsHelp is ls -?, which goes on with the command.
func lsHelp(s *shell, opts optionSet) {
	if opts.has("?") {
		s.out.printf("usage: ls [options] path\n -?   help\n -R   recurse\n -s   stat\n -w   watch\n")
	}
}

// ls is: ls [-s] [-w] [-R] path.
func ls(c *call) error {
	path := c.args[0]
	session, err := c.zkFor(path)
	if err != nil {
		return err
	}
	if c.opts.has("R") {
		return c.message(c.lsRecursive(session, path))
	}
	names, stat, err := c.list(session, path)
	if err != nil {
		return c.message(err)
	}
	c.out.printf("%s\n", listText(names))
	if c.opts.has("s") {
		c.out.printf("%s", statText(stat))
	}
	return nil
}

// ls2 is ls -s under the name it had in 3.4.
func ls2(c *call) error {
	c.opts = optionSet{"s": ""}
	return ls(c)
}

func (c *call) list(session *client.Client, path string) (names []string, stat client.Stat, err error) {
	if c.opts.has("w") {
		names, stat, _, err = session.ChildrenW(background, path)
	} else {
		names, stat, err = session.Children(background, path)
	}
	sortNames(names)
	return names, stat, err
}

// lsRecursive prints path, then, for each node, all its children before what is
// below them.
func (c *call) lsRecursive(session *client.Client, path string) error {
	if c.opts.has("w") {
		if _, _, _, err := session.ExistsW(background, path); err != nil {
			return err
		}
	}
	names, _, err := c.list(session, path)
	if err != nil {
		return err
	}
	c.out.printf("%s\n", path)
	return c.descend(session, path, names)
}

func (c *call) descend(session *client.Client, path string, names []string) error {
	for _, name := range names {
		c.out.printf("%s\n", zk.Join(path, name))
	}
	for _, name := range names {
		child := zk.Join(path, name)
		below, _, err := c.list(session, child)
		if isCode(err, zk.NoNode) {
			continue // it went away meanwhile
		}
		if err == nil {
			err = c.descend(session, child, below)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stat is: stat [-w] path.
func stat(c *call) error {
	path := c.args[0]
	session, err := c.zkFor(path)
	if err != nil {
		return err
	}
	var stat client.Stat
	var found bool
	if c.opts.has("w") {
		stat, found, _, err = session.ExistsW(background, path)
	} else {
		stat, found, err = session.Exists(background, path)
	}
	switch {
	case err != nil:
		return c.message(err)
	case !found:
		return failf("%s%s", messages[zk.NoNode], path)
	}
	c.out.printf("%s", statText(stat))
	return nil
}

// syncPath is: sync path.
func syncPath(c *call) error {
	session, err := c.zkFor(c.args[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(background, c.o.timeout)
	defer cancel()
	err = session.Sync(ctx, c.args[0])
	code, _, refused := refusal(err)
	switch {
	case err == nil:
		c.out.printf("Sync is OK\n")
	case refused:
		c.out.printf("Sync has failed. rc=%d\n", int32(code))
	default:
		return c.message(err)
	}
	return nil
}

// countDescendants is: getAllChildrenNumber path.
func countDescendants(c *call) error {
	session, err := c.zkFor(c.args[0])
	if err != nil {
		return err
	}
	n, err := session.CountDescendants(background, c.args[0])
	if err != nil {
		return c.message(err)
	}
	c.out.printf("%d\n", n)
	return nil
}

// ephemerals is: getEphemerals [prefix].
func ephemerals(c *call) error {
	prefix := "/"
	if len(c.args) > 0 {
		prefix = c.args[0]
		if err := checkPath(prefix); err != nil {
			return err
		}
	}
	session, err := c.session()
	if err != nil {
		return err
	}
	paths, err := session.Ephemerals(background, prefix)
	if err != nil {
		return c.message(err)
	}
	c.out.printf("%s\n", listText(paths))
	return nil
}
