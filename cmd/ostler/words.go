package main

import (
	"fmt"
	"log/slog"
	"strings"
)

// serverWords are the words of a server's command line, sorted by kind.
type serverWords struct {
	args     []string          // config file, or port and directory
	props    map[string]string // -Dname=value
	override map[string]string // --set name=value
	jvm      []string          // what only a Java machine understands
	strict   bool
	check    bool
	shadow   shadowWords
}

// parseWords sorts the words of flags and of the command line. flags are
// SERVER_JVMFLAGS and JVMFLAGS: the later word wins, and the command line is last.
func parseWords(args []string, flags ...string) (serverWords, error) {
	w := serverWords{props: map[string]string{}, override: map[string]string{}}
	for _, f := range flags {
		for _, word := range splitWords(f) {
			if !w.takeJava(word) {
				w.jvm = append(w.jvm, word)
			}
		}
	}
	for i := 0; i < len(args); i++ {
		word := args[i]
		taken, err := w.shadow.take(args[i:])
		switch {
		case err != nil:
			return w, err
		case taken > 0:
			i += taken - 1
		case word == "--strict":
			w.strict = true
		case word == "--check":
			w.check = true
		case word == "--set" && i+1 < len(args):
			i++
			word = "--set=" + args[i]
			fallthrough
		case strings.HasPrefix(word, "--set="):
			name, value, ok := strings.Cut(strings.TrimPrefix(word, "--set="), "=")
			if !ok {
				return w, fmt.Errorf("%s is not --set=name=value", word)
			}
			w.override[name] = value
		case strings.HasPrefix(word, "-") && w.takeJava(word):
		case strings.HasPrefix(word, "-"):
			return w, fmt.Errorf("unknown option %s", word)
		default:
			w.args = append(w.args, word)
		}
	}
	return w, w.shadow.finish(w.override)
}

// takeJava takes a word of the java command. -Dname alone sets an empty value.
func (w *serverWords) takeJava(word string) bool {
	if definition, ok := strings.CutPrefix(word, "-D"); ok && definition != "" {
		name, value, _ := strings.Cut(definition, "=")
		w.props[name] = value
		return true
	}
	for _, prefix := range []string{"-X", "-javaagent", "-agent", "-verbose", "-ea", "-da", "-server", "--add-", "-cp", "-classpath"} {
		if strings.HasPrefix(word, prefix) {
			w.jvm = append(w.jvm, word)
			return true
		}
	}
	return false
}

// splitWords cuts the value of a variable as a shell does: at blanks outside
// quotes.
func splitWords(s string) (list []string) {
	var word strings.Builder
	quote, inside := rune(0), false
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inside = r, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			if inside {
				list = append(list, word.String())
				word.Reset()
				inside = false
			}
		default:
			word.WriteRune(r)
			inside = true
		}
	}
	if inside {
		list = append(list, word.String())
	}
	return list
}

// logLevel is what the properties of ZooKeeper's logging ask for. The threshold
// wins, since it is what start-zookeeper's --log_level sets.
func (w *serverWords) logLevel() slog.Level {
	for _, text := range []string{w.props["zookeeper.console.threshold"], w.props["zookeeper.root.logger"]} {
		name, _, _ := strings.Cut(text, ",")
		if level, ok := levelOf(name); ok {
			return level
		}
	}
	return slog.LevelInfo
}

// levelOf translates the names of log4j.
func levelOf(name string) (slog.Level, bool) {
	switch strings.ToUpper(strings.TrimSpace(name)) {
	case "ALL", "TRACE", "DEBUG":
		return slog.LevelDebug, true
	case "INFO":
		return slog.LevelInfo, true
	case "WARN":
		return slog.LevelWarn, true
	case "ERROR", "FATAL", "OFF":
		return slog.LevelError, true
	}
	return 0, false
}
