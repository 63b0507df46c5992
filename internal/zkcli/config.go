package zkcli

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"ostler/client"
)

// config is: config [-c] [-w] [-s].
func config(c *call) error {
	session, err := c.session()
	if err != nil {
		return err
	}
	var data []byte
	var stat client.Stat
	if c.opts.has("w") {
		data, stat, _, err = session.ConfigW(background)
	} else {
		data, stat, err = session.Config(background)
	}
	if err != nil {
		return c.message(err)
	}
	if c.opts.has("c") {
		c.out.printf("%s\n", clientAddresses(string(data)))
	} else {
		c.out.printf("%s\n", data)
	}
	c.printStat(stat)
	return nil
}

// clientAddresses is a configuration as clients need it: its version and the
// servers' client addresses.
func clientAddresses(text string) string {
	var version string
	var addrs []string
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case key == "version":
			version = value
		case strings.HasPrefix(key, "server."):
			_, addr, _ := strings.Cut(value, ";")
			addrs = append(addrs, addr)
		}
	}
	return version + " " + strings.Join(addrs, ",")
}

// reconfig is: reconfig [-s] [-v version] and the change.
func reconfig(c *call) error {
	change, err := c.change()
	if err != nil {
		return err
	}
	session, err := c.session()
	if err != nil {
		return err
	}
	data, stat, err := session.Reconfigure(background, change)
	if err != nil {
		return c.message(err)
	}
	c.out.printf("Committed new configuration:\n%s\n", data)
	c.printStat(stat)
	return nil
}

// change turns the options of reconfig into the change they ask for.
func (c *call) change() (client.Change, error) {
	has := c.opts.has
	whole, parts := has("file") || has("members"), has("add") || has("remove")
	change := client.Change{
		Joining: strings.ToLower(c.opts["add"]),
		Leaving: strings.ToLower(c.opts["remove"]),
		Members: strings.ToLower(c.opts["members"]),
		Version: -1,
	}
	switch {
	case whole && parts:
		return change, failf("Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not allowed)")
	case has("file") && has("members"):
		return change, failf("Can't use -file and -members together (conflicting non-incremental modes)")
	}
	if text, ok := c.opts["v"]; ok {
		version, err := strconv.ParseInt(text, 16, 64)
		if err != nil {
			return change, failf("-v must be followed by a long (configuration version)")
		}
		change.Version = version
	}
	if has("file") {
		members, err := membersOf(c.opts["file"])
		if err != nil {
			return change, err
		}
		change.Members = strings.ToLower(members)
	}
	if !whole && !parts {
		return change, failf("%s", c.cmd.usageText())
	}
	return change, nil
}

// membersOf reads the lines of a dynamic configuration file that are about
// members.
func membersOf(name string) (string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", failf("Error processing %s%s", name, fileErrorText(name, err))
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"server.", "group.", "weight."} {
			if strings.HasPrefix(line, prefix) {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "\n"), nil
}

// fileErrorText is Java's message for a file that cannot be read.
func fileErrorText(name string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return name + " (No such file or directory)"
	case errors.Is(err, fs.ErrPermission):
		return name + " (Permission denied)"
	}
	return err.Error()
}
