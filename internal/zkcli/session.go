package zkcli

import (
	"strings"

	"ostler/client"
	"ostler/internal/admin"
	"ostler/internal/zk"
)

// addAuth is: addauth scheme [auth]. A refusal shows as an event; the session
// is over then.
func addAuth(c *call) error {
	session, err := c.session()
	if err != nil {
		return err
	}
	var data []byte
	if len(c.args) > 1 {
		data = []byte(c.args[1])
	}
	if err := session.AddAuth(background, c.args[0], data); err != nil && !isCode(err, zk.AuthFailed) {
		return c.message(err)
	}
	return nil
}

// whoAmI is: whoami.
func whoAmI(c *call) error {
	session, err := c.session()
	if err != nil {
		return err
	}
	ids, err := session.WhoAmI(background)
	if err != nil {
		return c.message(err)
	}
	c.out.printf("Auth scheme: User\n")
	for _, id := range ids {
		c.out.printf("%s: %s\n", id.Scheme, id.ID)
	}
	return nil
}

// closeCommand is: close.
func closeCommand(c *call) error {
	if _, err := c.session(); err != nil {
		return err
	}
	c.closeSession()
	return nil
}

// version is: version.
func version(c *call) error {
	if len(c.args) > 0 {
		return failf("%s", c.cmd.usageText())
	}
	c.out.printf("ZooKeeper CLI version: %s\n", admin.VersionLine())
	return nil
}

// addWatch is: addWatch [-m mode] path.
func addWatch(c *call) error {
	recursive := true
	if mode, ok := c.opts["m"]; ok {
		switch strings.ToUpper(mode) {
		case "PERSISTENT":
			recursive = false
		case "PERSISTENT_RECURSIVE":
		default:
			return failf("%s", c.cmd.usageText())
		}
	}
	if len(c.args) != 1 {
		return failf("%s", c.cmd.usageText())
	}
	session, err := c.zkFor(c.args[0])
	if err != nil {
		return err
	}
	_, err = session.Watch(background, c.args[0], recursive)
	return c.message(err)
}

// removeWatches is: removewatches path [-c|-d|-a|-p|-r] [-l].
func removeWatches(c *call) error {
	session, err := c.zkFor(c.args[0])
	if err != nil {
		return err
	}
	typ := client.WatcherAny
	for name, t := range map[string]client.WatcherType{
		"c": client.WatcherChildren, "d": client.WatcherData,
		"p": client.WatcherPersistent, "r": client.WatcherPersistentRecursive,
	} {
		if c.opts.has(name) {
			typ = t
		}
	}
	return c.message(session.RemoveWatches(background, c.args[0], typ, c.opts.has("l")))
}
