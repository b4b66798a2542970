// SPDX-License-Identifier: Apache-2.0

/// How an engine keeps what a model is made of. An engine takes the form that it gives.
package enum WeightsForm: String, Hashable, Sendable, Codable, CaseIterable {
    /// One file that llama.cpp reads.
    case gguf
    /// The layers of a model of Ollama, each a file of its own, and what describes them.
    case ollama
}

/// A file of this machine that is a part of a model.
package struct WeightsFile: Hashable, Sendable {
    /// Its path. It never leaves this machine: others name the file by its digest.
    package var path: String
    /// What it is to its model, in the words of the form.
    package var type: String
    /// What its engine says it holds; `nil` where the engine does not say.
    package var digest: WeightsDigest?

    package init(path: String, type: String, digest: WeightsDigest? = nil) {
        self.path = path
        self.type = type
        self.digest = digest
    }
}

/// What a model is made of, as files that this node may read.
package struct WeightsFiles: Hashable, Sendable {
    package var form: WeightsForm
    package var files: [WeightsFile]

    package init(_ form: WeightsForm, _ files: [WeightsFile]) {
        self.form = form
        self.files = files
    }
}

/// A part of a model that has come from another machine, whole and checked.
package struct ArrivedWeights: Hashable, Sendable {
    /// A file on the disk of the node's own folder for models.
    package var path: String
    package var type: String
    package var digest: WeightsDigest
    package var bytes: Int

    package init(path: String, type: String, digest: WeightsDigest, bytes: Int) {
        self.path = path
        self.type = type
        self.digest = digest
        self.bytes = bytes
    }
}
