package zkcli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/peterh/liner"
)

// lineMax bounds a line of input: the largest data and a command around it.
const lineMax = 4 << 20

// interact reads commands until quit or the end of the input, and returns the
// last one's exit code.
func (s *shell) interact(stdin io.Reader, stdout io.Writer) int {
	if err := s.connect(); err != nil {
		return report(s.out, err)
	}
	s.out.printf("Welcome to ZooKeeper!\n")
	if onTerminal(stdin, stdout) {
		s.out.printf("JLine support is enabled\n")
		s.out.Flush()
		s.awaitConnection()
		s.edit()
	} else {
		s.out.printf("JLine support is disabled\n")
		s.out.Flush()
		s.awaitConnection()
		s.readPlain(stdin)
	}
	if !s.quit {
		s.printEv.Store(false)
		s.zk.Abandon()
	}
	return s.code
}

// onTerminal reports whether lines can be edited: both ends are the process's
// own and a terminal.
func onTerminal(stdin io.Reader, stdout io.Writer) bool {
	if stdin != io.Reader(os.Stdin) || stdout != io.Writer(os.Stdout) || !liner.TerminalSupported() {
		return false
	}
	for _, f := range []*os.File{os.Stdin, os.Stdout} {
		if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
			return false
		}
	}
	return true
}

// readPlain takes lines without a prompt.
func (s *shell) readPlain(stdin io.Reader) {
	in := bufio.NewScanner(stdin)
	in.Buffer(nil, lineMax)
	for !s.quit && in.Scan() {
		s.enter(in.Text())
	}
	if err := in.Err(); err != nil {
		s.code = report(s.out, failf("read standard input: %v", err))
	}
}

// exitInterrupted is the exit code after Ctrl-C.
const exitInterrupted = 130

// edit takes lines from a terminal, with history and completion. Ctrl-C and
// Ctrl-D end it.
func (s *shell) edit() {
	line := liner.NewLiner()
	defer line.Close()
	line.SetCtrlCAborts(true)
	line.SetTabCompletionStyle(liner.TabPrints)
	line.SetCompleter(s.complete)
	for !s.quit {
		prompt := fmt.Sprintf("[zk: %s(%s) %d] ", s.o.server, s.stateText(), len(s.history))
		text, err := line.Prompt(prompt)
		if errors.Is(err, liner.ErrPromptAborted) {
			s.code = exitInterrupted
			return
		}
		if err != nil {
			return
		}
		if strings.TrimSpace(text) != "" {
			line.AppendHistory(text)
		}
		s.enter(text)
	}
}

// enter runs one line. A line of blanks does nothing.
func (s *shell) enter(line string) {
	words := splitWords(line)
	if len(words) == 0 {
		return
	}
	s.history = append(s.history, line)
	code := s.run(words)
	s.code = code
}

// splitWords splits a line: words of non-blanks, or groups in double or single
// quotes. There are no escapes; an opening quote without a partner is skipped
// (cli.md 1).
func splitWords(line string) []string {
	var words []string
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case blank(c):
			i++
		case c == '"' || c == '\'':
			n := strings.IndexByte(line[i+1:], c)
			if n < 0 {
				i++
				continue
			}
			words = append(words, line[i+1:i+1+n])
			i += n + 2
		default:
			end := i
			for end < len(line) && !blank(line[end]) {
				end++
			}
			words = append(words, line[i:end])
			i = end
		}
	}
	return words
}

func blank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// completeWait is how long completion waits for the server.
const completeWait = 2 * time.Second

// complete returns the lines that line may become: its last word is completed
// to a path if it begins with a slash, else to the name of a command.
func (s *shell) complete(line string) []string {
	at := strings.LastIndexByte(line, ' ') + 1
	head, word := line[:at], line[at:]
	var found []string
	if strings.HasPrefix(word, "/") {
		found = s.completePath(word)
	} else {
		for name, cmd := range commands {
			if strings.HasPrefix(name, word) && (!cmd.only34 || s.o.compat34) {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	for i := range found {
		found[i] = head + found[i]
	}
	return found
}

// completePath returns the nodes whose paths begin with word.
func (s *shell) completePath(word string) []string {
	if s.zk == nil {
		return nil
	}
	at := strings.LastIndexByte(word, '/')
	dir, prefix := word[:at], word[at+1:]
	if dir == "" {
		dir = "/"
	}
	ctx, cancel := context.WithTimeout(context.Background(), completeWait)
	defer cancel()
	names, _, err := s.zk.Children(ctx, dir)
	if err != nil {
		return nil // no candidates, whatever the reason
	}
	var found []string
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			found = append(found, word[:at+1]+name)
		}
	}
	return found
}
