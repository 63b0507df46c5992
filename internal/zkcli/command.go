package zkcli

import (
	"context"
	"slices"
	"strings"

	"ostler/client"
)

// A command is one of the words that a line may begin with.
type command struct {
	name    string
	args    string // behind the name in the usage
	details string // more lines of the command's own usage
	options []option

	min, max   int    // arguments: fewer are a mistake; more are an old form, if there is one
	deprecated string // what is said of the old form
	watchForm  bool   // the old form's third word asks for a watch
	only34     bool   // exists only with ZKCLI_COMPAT=3.4

	// shell runs commands of the shell itself, run those that need a session.
	shell  func(s *shell, words []string) error
	before func(s *shell, opts optionSet) // ahead of the check of the arguments
	run    func(c *call) error
}

// usageText is what is printed when arguments are missing.
func (c *command) usageText() string { return c.name + " " + c.args + c.details }

// A call is a command with its options and arguments.
type call struct {
	*shell
	cmd  *command
	opts optionSet
	args []string
}

// zkFor returns the session, with the path of the first argument checked.
func (c *call) zkFor(path string) (*client.Client, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return c.session()
}

// background is the context of requests: an answer, or the loss of the
// connection, always comes.
var background = context.Background()

// usage is the list of all commands.
func usage() string {
	var b strings.Builder
	b.WriteString("ZooKeeper -server host:port -client-configuration properties-file cmd args\n")
	for _, name := range commandNames() {
		if !commands[name].only34 {
			b.WriteString("\t" + name + " " + commands[name].args + "\n")
		}
	}
	return b.String()
}

func commandNames() []string {
	names := make([]string, 0, len(commands))
	for name := range commands {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// commands are all commands by name; see table.go.
var commands map[string]*command

func init() {
	commands = make(map[string]*command)
	for _, c := range table() {
		commands[c.name] = c
	}
}
