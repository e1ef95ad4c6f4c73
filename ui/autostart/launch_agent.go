package autostart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"lockbox/proxy/config"
)

// agent is the file of a LaunchAgent of macOS, see launchd.plist(5).
type agent struct{ path string }

func (a agent) read() (State, error) {
	text, err := os.ReadFile(a.path)
	if errors.Is(err, os.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("what is started at login cannot be read: %w", err)
	}
	program, on := agentProgram(string(text))
	return State{On: on, Place: a.path, Program: program}, nil
}

func (a agent) turnOn(program string) error {
	return config.ReplaceFile(a.path, []byte(agentText(program)))
}

func (a agent) turnOff() error { return os.Remove(a.path) }

// agentText is the file that starts program. Without LimitLoadToSessionType it
// would be started for logins over the network too, which have no screen.
func agentText(program string) string {
	var path strings.Builder
	_ = xml.EscapeText(&path, []byte(program)) // a Builder takes all
	return xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + ID + `</string>
	<key>ProgramArguments</key>
	<array>
		<string>` + path.String() + `</string>
		<string>` + hidden + `</string>
	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>LimitLoadToSessionType</key>
	<string>Aqua</string>
	<key>ProcessType</key>
	<string>Interactive</string>
</dict>
</plist>
`
}

// agentProgram reads the program of such a file, and whether it is started: it is
// not when RunAtLoad is missing, or when it was disabled.
func agentProgram(text string) (program string, on bool) {
	d := xml.NewDecoder(strings.NewReader(text))
	var key string
	atLoad, disabled := false, false
	for {
		tok, err := d.Token()
		if err != nil {
			return program, errors.Is(err, io.EOF) && atLoad && !disabled && program != ""
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "key":
			_ = d.DecodeElement(&key, &start) // what is wrong comes up at the next token
		case "true":
			atLoad, disabled = atLoad || key == "RunAtLoad", disabled || key == "Disabled"
		case "string":
			if (key == "ProgramArguments" || key == "Program") && program == "" {
				_ = d.DecodeElement(&program, &start)
			}
		}
	}
}
