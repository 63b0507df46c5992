package zkcli

import (
	"context"
	"crypto/tls"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"ostler/client"
)

// connectWait is how long a shell waits for its first connection before it
// prompts, so that the prompt shows it.
const connectWait = time.Second

// A shell runs commands on a session.
type shell struct {
	o      settings
	secure *tls.Config
	out    *output

	zk      *client.Client // nil before the first connection is made
	printEv atomic.Bool    // printwatches
	history []string       // every line entered
	code    int            // of the last command
	quit    bool
}

func newShell(o settings, stdout, stderr interface{ Write([]byte) (int, error) }) *shell {
	s := &shell{o: o, out: newOutput(stdout, stderr)}
	s.printEv.Store(true)
	return s
}

// connect begins a session with the servers of s.o.
func (s *shell) connect() error {
	zk, err := client.New(s.o.server, client.Options{
		Timeout: s.o.timeout, ReadOnly: s.o.readOnly, TLS: s.secure, OnEvent: s.onEvent,
	})
	if err != nil {
		return serverError(s.o.server, err)
	}
	s.zk = zk
	return nil
}

// session returns the session, which is made when it is first needed.
func (s *shell) session() (*client.Client, error) {
	if s.zk == nil {
		if err := s.connect(); err != nil {
			return nil, err
		}
	}
	return s.zk, nil
}

// serverError says what is wrong with a connect string.
func serverError(server string, err error) error {
	if i := strings.IndexByte(server, '/'); i >= 0 {
		if bad := checkPath(server[i:]); bad != nil {
			return bad
		}
	}
	return failf("%v", err)
}

// onEvent prints an event (cli.md 1, "Watch events").
func (s *shell) onEvent(e client.Event) {
	if !s.printEv.Load() {
		return
	}
	s.out.printf("\nWATCHER::\n\n%s\n", eventText(e, !s.o.compat34))
	s.out.Flush()
}

// oneShot runs one command and ends. The session is closed, so ephemeral nodes
// of a command that ends do not outlive it.
func (s *shell) oneShot(words []string) int {
	if s.o.wait {
		if err := s.waitForConnection(); err != nil {
			return report(s.out, err)
		}
	}
	code := s.run(words)
	s.printEv.Store(false)
	if s.zk != nil {
		s.closeSession()
	}
	return code
}

func (s *shell) waitForConnection() error {
	zk, err := s.session()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.o.timeout)
	defer cancel()
	if zk.Wait(ctx) != nil {
		s.closeSession()
		return failf("KeeperErrorCode = ConnectionLoss")
	}
	return nil
}

// closeWait is how long a session that is closed waits for the server.
const closeWait = 5 * time.Second

func (s *shell) closeSession() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	s.zk.Close(ctx) // without an answer the session expires by itself
}

// run runs one command and returns its exit code.
func (s *shell) run(words []string) int {
	s.code = report(s.out, s.dispatch(words))
	s.out.Flush()
	return s.code
}

// dispatch finds the command. Those of the shell itself need no session; in a
// closed one everything but quit says so (cli.md 4).
func (s *shell) dispatch(words []string) error {
	cmd, ok := commands[words[0]]
	if !ok || cmd.only34 && !s.o.compat34 {
		s.out.errorf("%s", usage())
		return &failure{text: "Command not found: Command not found " + words[0], code: exitNotFound}
	}
	if cmd.name == "quit" {
		return s.doQuit()
	}
	if cmd.shell != nil {
		if err := cmd.shell(s, words); err != nil {
			return err
		}
	}
	if s.zk != nil {
		if state := s.zk.State(); state == client.Closed || state == client.Expired {
			s.out.printf("Not connected\n")
			return nil
		}
	}
	if cmd.run == nil {
		return nil
	}
	return s.execute(cmd, words)
}

// execute parses a command's options and runs it.
func (s *shell) execute(cmd *command, words []string) error {
	for {
		opts, args, err := parseOptions(cmd.options, words[1:])
		if err != nil {
			return err
		}
		if cmd.before != nil {
			cmd.before(s, opts)
		}
		if cmd.deprecated != "" && len(args) > cmd.max {
			s.out.errorf("%s\n", cmd.deprecated)
			if cmd.watchForm {
				words = append([]string(nil), words...)
				words[2] = "-w" // whatever it was, as in ZooKeeper
				continue
			}
		}
		if len(args) < cmd.min {
			return failf("%s", cmd.usageText())
		}
		return cmd.run(&call{shell: s, cmd: cmd, opts: opts, args: args})
	}
}

func (s *shell) doQuit() error {
	if _, err := s.session(); err != nil {
		return err
	}
	if len(s.history) == 0 { // one-shot: let the connection be seen
		s.awaitConnection()
	}
	code := s.code
	s.closeSession()
	s.quit = true
	if code != exitOK {
		return &failure{code: code}
	}
	return nil
}

// awaitConnection waits a moment for the session to connect.
func (s *shell) awaitConnection() {
	ctx, cancel := context.WithTimeout(context.Background(), connectWait)
	defer cancel()
	_ = s.zk.Wait(ctx) // the prompt shows what came of it
}

// doConnect is the command connect.
func (s *shell) doConnect(words []string) error {
	if len(words) > 1 {
		s.o.server = words[1]
	}
	if s.zk != nil {
		s.closeSession()
	}
	return s.connect()
}

// historyShown is how many entries history shows, the last one included.
const historyShown = 11

func (s *shell) doHistory([]string) error {
	for i := max(len(s.history)-historyShown, 0); i < len(s.history); i++ {
		s.out.printf("%d - %s\n", i, s.history[i])
	}
	return nil
}

// doRedo runs an earlier line again, whose text takes the place of this one in
// the history.
func (s *shell) doRedo(words []string) error {
	if len(words) < 2 {
		return nil
	}
	n, err := strconv.ParseInt(words[1], 0, 32)
	if err != nil {
		return failf("For input string: %q", words[1])
	}
	current := len(s.history) - 1
	if n < 0 || int(n) >= current {
		return failf("Command index out of range")
	}
	line := s.history[n]
	again := splitWords(line)
	if len(again) == 0 || again[0] == "redo" {
		return failf("No redoing redos")
	}
	s.history[current] = line
	return s.dispatch(again)
}

func (s *shell) doPrintWatches(words []string) error {
	if len(words) > 1 {
		s.printEv.Store(words[1] == "on")
		return nil
	}
	state := "off"
	if s.printEv.Load() {
		state = "on"
	}
	s.out.printf("printwatches is %s\n", state)
	return nil
}

// stateText is the session's state in the prompt.
func (s *shell) stateText() string {
	if s.zk == nil {
		return "NOT_CONNECTED"
	}
	switch s.zk.State() {
	case client.Connected:
		return "CONNECTED"
	case client.ConnectedReadOnly:
		return "CONNECTEDREADONLY"
	case client.AuthRefused:
		return "AUTH_FAILED"
	case client.Closed, client.Expired:
		return "CLOSED"
	}
	return "CONNECTING"
}

// isCode reports whether err is the refusal code.
func isCode(err error, code client.Code) bool { return errors.Is(err, code) }
