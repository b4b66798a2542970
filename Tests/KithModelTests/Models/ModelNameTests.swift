// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite struct ModelNameTests {
    @Test(
        "Names as libraries of models have them are taken",
        arguments: [
            "llama3.2", "llama3.2:3b", "owner/model:latest", "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M",
            "host:5000/team/model:v1", "m@sha256:0a",
        ])
    func goodNames(_ name: String) {
        #expect(ModelName.isPullable(name))
    }

    @Test(
        "What a path, a flag, an address or a terminal would take for something else is none",
        arguments: [
            "", "../secret", "a/../b", "/etc/passwd", "-rf", "http://10.0.0.1/m", "a b", "a\nb", "a\u{1B}[2J", "é",
            "m:", "a//b", String(repeating: "a", count: 257), "a?b", "a%2Fb", "a#b", "a\\b",
        ])
    func badNames(_ name: String) {
        #expect(!ModelName.isPullable(name))
    }
}
