package zkcli

// What is said of old forms.
const (
	oldGet    = "'get path [watch]' has been deprecated. Please use 'get [-s] [-w] path' instead."
	oldLs     = "'ls path [watch]' has been deprecated. Please use 'ls [-w] path' instead."
	oldStat   = "'stat path [watch]' has been deprecated. Please use 'stat [-w] path' instead."
	oldDelete = "'delete path [version]' has been deprecated. Please use 'delete [-v version] path' instead."
)

const (
	getDetails = "\n -b   Output data in base64 format\n -s   Print znode stats additionally\n" +
		" -w   Watch for changes on the znode\n -x   Output data in hexdump format\n"
	setDetails = "\n -b         Supply data in base64 format\n -s         Print znode stats additionally\n" +
		" -v <arg>   Set with an expected version\n"
)

// table lists the commands (cli.md 2 and 4).
func table() []*command {
	flags := func(names ...string) []option {
		options := make([]option, len(names))
		for i, name := range names {
			options[i] = flagOption(name)
		}
		return options
	}
	group := func(group string, value bool, names ...string) []option {
		options := make([]option, len(names))
		for i, name := range names {
			options[i] = option{name: name, value: value, group: group}
		}
		return options
	}
	return []*command{
		{
			name: "addWatch", args: "[-m mode] path # optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - default is PERSISTENT_RECURSIVE",
			options: []option{valueOption("m")}, min: 1, run: addWatch,
		},
		{name: "addauth", args: "scheme auth", min: 1, run: addAuth},
		{name: "close", run: closeCommand},
		{name: "config", args: "[-c] [-w] [-s]", options: flags("c", "w", "s"), run: config},
		{name: "connect", args: "host:port", shell: (*shell).doConnect},
		{
			name: "create", args: "[-s] [-e] [-c] [-t ttl] path [data] [acl]",
			options: append(flags("e", "s", "c"), valueOption("t")), min: 1, run: create,
		},
		{
			name: "delete", args: "[-v version] path", options: []option{valueOption("v")},
			min: 1, max: 1, deprecated: oldDelete, run: deleteNode,
		},
		{name: "deleteall", args: "path [-b batch size]", options: []option{valueOption("b")}, min: 1, run: deleteAll},
		{name: "delquota", args: "[-n|-b|-N|-B] path", options: group("quota", false, "n", "b", "N", "B"), min: 1, run: delQuota},
		{
			name: "get", args: "[-s] [-w] [-b] [-x] path", details: getDetails, options: flags("s", "w", "b", "x"),
			min: 1, max: 1, deprecated: oldGet, watchForm: true, run: get,
		},
		{name: "getAcl", args: "[-s] path", options: flags("s"), min: 1, run: getACL},
		{name: "getAllChildrenNumber", args: "path", min: 1, run: countDescendants},
		{name: "getEphemerals", args: "path", run: ephemerals},
		{name: "history", shell: (*shell).doHistory},
		{name: "listquota", args: "path", min: 1, run: listQuota},
		{
			name: "ls", args: "[-s] [-w] [-R] path", options: flags("?", "s", "w", "R"),
			min: 1, max: 1, deprecated: oldLs, watchForm: true, before: lsHelp, run: ls,
		},
		{name: "printwatches", args: "on|off", shell: (*shell).doPrintWatches},
		{name: "quit"},
		{
			name: "reconfig", args: "[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | " +
				"[-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]",
			options: append(flags("s"), valueOption("v"), valueOption("file"), valueOption("members"), valueOption("add"), valueOption("remove")),
			run:     reconfig,
		},
		{name: "redo", args: "cmdno", shell: (*shell).doRedo},
		{
			name: "removewatches", args: "path [-c|-d|-a] [-l]",
			options: append(group("kind", false, "c", "d", "a", "p", "r"), flagOption("l")), min: 1, run: removeWatches,
		},
		{
			name: "set", args: "path data [-s] [-v version] [-b]", details: setDetails,
			options: append(flags("s", "b"), valueOption("v")), min: 2, run: set,
		},
		{name: "setAcl", args: "[-s] [-v version] [-R] path acl", options: append(flags("s", "R"), valueOption("v")), min: 2, run: setACL},
		{name: "setquota", args: "-n|-b|-N|-B val path", options: group("quota", true, "n", "b", "N", "B"), run: setQuota},
		{name: "stat", args: "[-w] path", options: flags("w"), min: 1, max: 1, deprecated: oldStat, watchForm: true, run: stat},
		{name: "sync", args: "path", min: 1, run: syncPath},
		{name: "version", run: version},
		{name: "whoami", run: whoAmI},

		{name: "ls2", args: "path [watch]", min: 1, only34: true, run: ls2},
		{name: "rmr", args: "path", min: 1, only34: true, run: deleteAll},
	}
}
