package ui

import "testing"

func TestVisible(t *testing.T) {
	tests := []struct{ in, line, text string }{
		{"/s/demo/a?b=c", "/s/demo/a?b=c", "/s/demo/a?b=c"},
		{"grüße 你好 😀", "grüße 你好 😀", "grüße 你好 😀"},
		{"a\x1b[2Jb\x00\x7f", `a\x1b[2Jb\x00\x7f`, `a\x1b[2Jb\x00\x7f`},
		{"one\r\ntwo\tthree\rfour", `one\x0d\x0atwo\x09three\x0dfour`, "one\ntwo\tthree\\x0dfour"},
		{"invoice\u202efdp.exe\u2066", `invoice\u202efdp.exe\u2066`, `invoice\u202efdp.exe\u2066`},
		{"pay\u200bpal\u00ad\ufeff", `pay\u200bpal\u00ad\ufeff`, `pay\u200bpal\u00ad\ufeff`},
		{"a\u0085b\u2028c\U000e0041", `a\u0085b\u2028c\U000e0041`, `a\u0085b\u2028c\U000e0041`},
		{"x\u3164y\ue000", `x\u3164y\ue000`, `x\u3164y\ue000`},
		{"bad\xff\xfe\ufffd", `bad\xff\xfe` + "\ufffd", `bad\xff\xfe` + "\ufffd"},
	}
	for _, tt := range tests {
		if got := visible(tt.in); got != tt.line {
			t.Errorf("visible(%q) = %q, want %q", tt.in, got, tt.line)
		}
		if got := visibleText(tt.in); got != tt.text {
			t.Errorf("visibleText(%q) = %q, want %q", tt.in, got, tt.text)
		}
	}
}
