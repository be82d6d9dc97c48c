import SluiceHTTP

/// What one event loop allows. All sizes in bytes, all times in milliseconds.
package struct EdgeLimits: Sendable {
    /// Longest request head; more is 431.
    package var headBytes: Int
    /// Longest request body; more is 413.
    package var bodyBytes: Int
    /// Most open connections; further ones are answered 503.
    package var connections: Int
    /// From the first byte of a head (or from accept) to its end.
    package var headTimeoutMilliseconds: Int
    /// From the end of a head to the end of its body.
    package var bodyTimeoutMilliseconds: Int
    /// Without any request.
    package var idleTimeoutMilliseconds: Int
    /// Without the client taking anything of its answers.
    package var sendTimeoutMilliseconds: Int
    /// How long a client may take to read the last answer before its connection is closed.
    package var lingerTimeoutMilliseconds: Int
    /// Most memory for bytes received and not yet handled, all connections together;
    /// `receiveOverdraftBytes` more for requests that arrive whole while others, incomplete, have used
    /// it up.
    package var receiveMemoryBytes: Int
    /// Most requests of one connection whose answers wait; no more is read until some have gone.
    package var pipelinedRequests: Int
    /// Most bytes of answers of one connection not yet sent; no more is read until some have gone.
    package var pendingAnswerBytes: Int
    /// Most memory for answers not yet sent, all connections together; one connection's turn may go
    /// beyond it. Once it is spent, clients that do not read theirs are closed, and requests wait.
    package var answerMemoryBytes: Int

    package init(
        headBytes: Int = 16_384, bodyBytes: Int = 1 << 20, connections: Int = 100_000,
        headTimeoutMilliseconds: Int = 10_000, bodyTimeoutMilliseconds: Int = 30_000,
        idleTimeoutMilliseconds: Int = 75_000, sendTimeoutMilliseconds: Int = 30_000,
        lingerTimeoutMilliseconds: Int = 2000, receiveMemoryBytes: Int = 64 << 20,
        pipelinedRequests: Int = 256, pendingAnswerBytes: Int = 256 << 10,
        answerMemoryBytes: Int = 32 << 20
    ) {
        self.headBytes = headBytes
        self.bodyBytes = bodyBytes
        self.connections = connections
        self.headTimeoutMilliseconds = headTimeoutMilliseconds
        self.bodyTimeoutMilliseconds = bodyTimeoutMilliseconds
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
        self.sendTimeoutMilliseconds = sendTimeoutMilliseconds
        self.lingerTimeoutMilliseconds = lingerTimeoutMilliseconds
        self.receiveMemoryBytes = receiveMemoryBytes
        self.pipelinedRequests = pipelinedRequests
        self.pendingAnswerBytes = pendingAnswerBytes
        self.answerMemoryBytes = answerMemoryBytes
    }

    /// Bytes a loop may hold beside the answers: the receive buffers.
    package var receiveBudget: Int { max(receiveMemoryBytes, ReceiveBuffer.smallest) }

    // Bounds that no configuration needs to change.

    /// Most memory for requests beyond `receiveMemoryBytes`. More than one buffer, since requests that
    /// stall keep theirs.
    package static let receiveOverdraftBytes = 64 * ReceiveBuffer.smallest
    /// Most reads for one connection before others get their turn.
    static let readsPerTurn = 16
    /// Most connections accepted before open ones get their turn.
    static let acceptsPerTurn = 64
    /// Connections beyond the limit that are kept while they read their 503.
    static let refusalSlots = 64
    /// How long accepting pauses when the process or the system is out of descriptors.
    static let acceptPauseMilliseconds: Int64 = 100
    /// What a connection that has never asked gets to do so when the loop drains.
    static let drainGraceMilliseconds = 200
    /// Most bytes read and dropped from a client that was refused.
    static let lingerBytesMax = 8 << 20
    /// What a client that finds no room is told.
    static let retryAfterSeconds = 1
}
