package jaas

import (
	"fmt"
	"slices"
	"strings"
)

// The login modules that servers know (operations.md 7.5).
const (
	digestModule   = "org.apache.zookeeper.server.auth.DigestLoginModule"
	kerberosModule = "com.sun.security.auth.module.Krb5LoginModule"
	userPrefix     = "user_"
)

// Users returns the passwords by user of a section whose modules are
// DigestLoginModules: options user_<name>="<password>". Other options are ignored,
// as ZooKeeper does; what they are is in idle, sorted. An error names file and
// line of a module that cannot be honoured.
func (f *File) Users(s *Section) (passwords map[string]string, idle []string, err error) {
	passwords = make(map[string]string)
	for _, m := range s.Modules {
		switch m.Class {
		case digestModule:
		case kerberosModule:
			return nil, nil, fmt.Errorf("%s:%d: section %s logs in by Kerberos, which is not in this version; use %s",
				f.Name, m.Line, s.Name, digestModule)
		default:
			return nil, nil, fmt.Errorf("%s:%d: login module %s in section %s is not known; use %s",
				f.Name, m.Line, m.Class, s.Name, digestModule)
		}
		for _, o := range m.Options {
			if user, ok := strings.CutPrefix(o.Name, userPrefix); ok {
				passwords[user] = o.Value
			} else {
				idle = append(idle, o.Name)
			}
		}
	}
	slices.Sort(idle)
	return passwords, idle, nil
}
