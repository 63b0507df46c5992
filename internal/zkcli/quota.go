package zkcli

import (
	"fmt"
	"strconv"
	"strings"

	"ostler/client"
	"ostler/internal/zk"
)

const (
	limitsNode = "zookeeper_limits"
	statsNode  = "zookeeper_stats"
)

func limitsPath(path string) string { return zk.PathQuota + path + "/" + limitsNode }
func statsPath(path string) string  { return zk.PathQuota + path + "/" + statsNode }

// A quotaLimits is the text of a limits node (client-protocol.md 4.9); -1 is no
// limit. Hard limits that the text does not mention are not printed.
type quotaLimits struct {
	count, bytes         int64
	countHard, bytesHard int64
	hasCount, hasBytes   bool // the hard limits are there
}

// parseQuota reads the text of a limits or stats node as far as it can be read.
func parseQuota(data []byte) quotaLimits {
	q := quotaLimits{count: -1, bytes: -1, countHard: -1, bytesHard: -1}
	parts := strings.FieldsFunc(string(data), func(r rune) bool { return r == ',' || r == ';' })
	for _, part := range parts {
		key, text, _ := strings.Cut(part, "=")
		value, err := strconv.ParseInt(strings.TrimSuffix(text, "="), 10, 64)
		if err != nil {
			continue
		}
		switch key {
		case "count":
			q.count = value
		case "bytes":
			q.bytes = value
		case "countHardLimit":
			q.countHard, q.hasCount = value, true
		case "byteHardLimit":
			q.bytesHard, q.hasBytes = value, true
		}
	}
	return q
}

func (q quotaLimits) String() string {
	s := fmt.Sprintf("count=%d,bytes=%d", q.count, q.bytes)
	if q.hasBytes || q.hasCount {
		s += "="
	}
	if q.hasBytes {
		s += fmt.Sprintf(";byteHardLimit=%d", q.bytesHard)
	}
	if q.hasCount {
		s += fmt.Sprintf(";countHardLimit=%d", q.countHard)
	}
	return s
}

// set changes the limit that option names; the text then mentions all.
func (q *quotaLimits) set(option string, value int64) {
	switch option {
	case "n":
		q.count = value
	case "b":
		q.bytes = value
	case "N":
		q.countHard = value
	case "B":
		q.bytesHard = value
	}
	q.hasCount, q.hasBytes = true, true
}

// selected returns the option among n, b, N and B that is set.
func selected(opts optionSet) (name string, ok bool) {
	for _, name := range []string{"n", "b", "N", "B"} {
		if opts.has(name) {
			return name, true
		}
	}
	return "", false
}

// setQuota is: setquota -n|-b|-N|-B val path.
func setQuota(c *call) error {
	option, ok := selected(c.opts)
	if !ok {
		return failf(optionErrors + "MissingOptionException: Missing required option: [-n num soft quota, -b bytes soft quota, -N num hard quota, -B bytes hard quota]")
	}
	if len(c.args) < 1 {
		return failf("%s", c.cmd.usageText())
	}
	path := c.args[0]
	if err := checkPath(path); err != nil {
		return err
	}
	if strings.HasPrefix(path, zk.PathQuota) {
		return note("cannot set a quota under the path: " + path)
	}
	value, err := quotaValue(option, c.opts[option])
	if err != nil {
		return err
	}
	session, err := c.session()
	if err != nil {
		return err
	}
	return c.createQuota(session, path, option, value)
}

func quotaValue(option, text string) (int64, error) {
	bits := 64
	isCount := option == "n" || option == "N"
	if isCount {
		bits = 32
	}
	value, err := strconv.ParseInt(text, 10, bits)
	switch {
	case err != nil:
		return 0, note("NumberFormatException happens when parsing the option value")
	case isCount && value <= 0:
		return 0, note("the num quota must be greater than zero")
	case value < 0:
		return 0, note("the bytes quota must be greater than or equal to zero")
	}
	return value, nil
}

// createQuota sets one limit, in a quota of the path that may exist. Quotas do
// not nest.
func (c *call) createQuota(session *client.Client, path, option string, value int64) error {
	if _, found, err := session.Exists(background, path); err != nil {
		return c.message(err)
	} else if !found {
		return failf("%s does not exist.", path)
	}
	if err := c.refuseNesting(session, path); err != nil {
		return err
	}
	limits := parseQuota(nil)
	data, _, err := session.Get(background, limitsPath(path))
	switch {
	case err == nil:
		limits = parseQuota(data)
		limits.set(option, value)
		_, err = session.Set(background, limitsPath(path), []byte(limits.String()), client.AnyVersion)
	case isCode(err, zk.NoNode):
		limits.set(option, value)
		err = newQuota(session, path, limits)
	}
	if err != nil {
		return c.message(err)
	}
	return c.warnOfUse(session, path, limits)
}

// newQuota makes the nodes of a quota. The limits come first: the server fills
// in the use when it sees the node for it.
func newQuota(session *client.Client, path string, limits quotaLimits) error {
	node := zk.PathQuota
	for name := range strings.SplitSeq(path[1:], "/") {
		node = zk.Join(node, name)
		if err := ensure(session, node, nil); err != nil {
			return err
		}
	}
	if err := ensure(session, limitsPath(path), []byte(limits.String())); err != nil {
		return err
	}
	return ensure(session, statsPath(path), []byte("count=0,bytes=0"))
}

// ensure creates a node unless there is one.
func ensure(session *client.Client, path string, data []byte) error {
	_, _, err := session.Create(background, path, data, client.CreateOptions{})
	if isCode(err, zk.NodeExists) {
		return nil
	}
	return err
}

// refuseNesting fails when a node above or below path has a quota.
func (c *call) refuseNesting(session *client.Client, path string) error {
	for p, ok := zk.Parent(path); ok && p != zk.PathRoot; p, ok = zk.Parent(p) {
		_, found, err := session.Exists(background, limitsPath(p))
		switch {
		case err != nil:
			return c.message(err)
		case found:
			return failf("%s has a parent %s which has a quota", path, p)
		}
	}
	nodes, err := subtree(session, zk.PathQuota+path)
	if isCode(err, zk.NoNode) {
		return nil
	}
	if err != nil {
		return c.message(err)
	}
	for _, node := range nodes {
		owner, found := strings.CutSuffix(strings.TrimPrefix(node, zk.PathQuota), "/"+limitsNode)
		if found && owner != path {
			return failf("%s has a child %s which has a quota", path, owner)
		}
	}
	return nil
}

// warnOfUse says when the use is above the new limits already.
func (c *call) warnOfUse(session *client.Client, path string, q quotaLimits) error {
	data, _, err := session.Get(background, statsPath(path))
	if err != nil {
		return c.message(err)
	}
	use := parseQuota(data)
	below := func(limit, used int64) bool { return limit >= 0 && limit < used }
	const warning = "[Warning]: the %s quota you create is less than the existing %s:%d\n"
	if below(q.count, use.count) || below(q.countHard, use.count) {
		c.out.printf(warning, "count", "count", use.count)
	}
	if below(q.bytes, use.bytes) || below(q.bytesHard, use.bytes) {
		c.out.printf(warning, "bytes", "bytes", use.bytes)
	}
	return nil
}

// listQuota is: listquota path.
func listQuota(c *call) error {
	path := c.args[0]
	session, err := c.zkFor(path)
	if err != nil {
		return err
	}
	c.out.errorf("absolute path is %s\n", limitsPath(path))
	limits, _, err := session.Get(background, limitsPath(path))
	if err == nil {
		c.out.printf("Output quota for %s %s\n", path, parseQuota(limits))
		var use []byte
		use, _, err = session.Get(background, statsPath(path))
		if err == nil {
			c.out.printf("Output stat for %s %s\n", path, parseQuota(use))
		}
	}
	if isCode(err, zk.NoNode) {
		return note("quota for " + path + " does not exist.")
	}
	return c.message(err)
}

// delQuota is: delquota [-n|-b|-N|-B] path.
func delQuota(c *call) error {
	path := c.args[0]
	session, err := c.zkFor(path)
	if err != nil {
		return err
	}
	data, _, err := session.Get(background, limitsPath(path))
	if isCode(err, zk.NoNode) {
		c.out.printf("Quota does not exist for %s\n", path)
		return nil
	}
	if err != nil {
		return c.message(err)
	}
	if option, ok := selected(c.opts); ok {
		limits := parseQuota(data)
		limits.set(option, -1)
		_, err := session.Set(background, limitsPath(path), []byte(limits.String()), client.AnyVersion)
		return c.message(err)
	}
	return c.message(removeQuota(session, path))
}

// removeQuota deletes the nodes of a quota and the parents it leaves empty.
func removeQuota(session *client.Client, path string) error {
	for _, node := range []string{limitsPath(path), statsPath(path)} {
		if err := session.Delete(background, node, client.AnyVersion); err != nil && !isCode(err, zk.NoNode) {
			return err
		}
	}
	for node := zk.PathQuota + path; node != zk.PathQuota; node, _ = zk.Parent(node) {
		err := session.Delete(background, node, client.AnyVersion)
		if isCode(err, zk.NotEmpty) {
			return nil
		}
		if err != nil && !isCode(err, zk.NoNode) {
			return err
		}
	}
	return nil
}
