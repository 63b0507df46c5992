package zkcli

import (
	"ostler/client"
	"ostler/internal/zk"
)

// getACL is: getAcl [-s] path. An identity ends in a line feed there.
func getACL(c *call) error {
	session, err := c.zkFor(c.args[0])
	if err != nil {
		return err
	}
	acl, stat, err := session.ACL(background, c.args[0])
	if err != nil {
		return c.message(err)
	}
	for _, a := range acl {
		c.out.printf("'%s,'%s\n: %s\n", a.ID.Scheme, a.ID.ID, permText(a.Perms))
	}
	c.printStat(stat)
	return nil
}

// setACL is: setAcl [-s] [-v version] [-R] path acl.
func setACL(c *call) error {
	version, err := c.version()
	if err != nil {
		return err
	}
	path := c.args[0]
	if err := checkPath(path); err != nil {
		return err
	}
	acl := c.parseACL(c.args[1])
	if len(acl) == 0 {
		return failf("Acl is not valid : null")
	}
	session, err := c.session()
	if err != nil {
		return err
	}
	if c.opts.has("R") {
		return c.setACLBelow(session, path, acl, version)
	}
	stat, err := session.SetACL(background, path, acl, version)
	if err != nil {
		return c.message(err)
	}
	c.printStat(stat)
	return nil
}

// setACLBelow changes a whole subtree. A refusal is printed, without a line
// feed, and the next node is tried.
func (c *call) setACLBelow(session *client.Client, path string, acl []client.ACL, version int32) error {
	paths, err := subtree(session, path)
	if err != nil {
		return c.message(err)
	}
	for _, p := range paths {
		_, err := session.SetACL(background, p, acl, version)
		if isCode(err, zk.ConnectionLoss) {
			return c.message(err)
		}
		if err != nil {
			c.out.printf("%s", keeperErrorText(err))
		}
	}
	return nil
}
