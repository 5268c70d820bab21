// SPDX-License-Identifier: BSD-3-Clause
//
// Java's SCTP (com.sun.nio.sctp), both ends: what test_app_java.sh compiles and runs, unchanged, over
// usctp and over the Linux kernel's SCTP.  It knows nothing of usctp.
//
//   server PORT ADDRESS...              SctpMultiChannel on PORT, SctpServerChannel on PORT+1 (with a
//                                       Selector) and on PORT+2 (blocking); all echo
//   client PORT ADDRESS... - LOCAL...   plays every case against that server, then ends it
//
// A message with payload protocol 99 is a command to the one-to-many server.  Each end writes "ok CASE" or
// "FAILED CASE" lines to its standard error and, last, "all N cases passed"; only then is its exit status
// 0.  A watchdog ends a run that hangs.

import static com.sun.nio.sctp.AssociationChangeNotification.AssocChangeEvent.*;
import static com.sun.nio.sctp.SctpStandardSocketOptions.*;

import com.sun.nio.sctp.*;
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;

public class AppSctp {
    static final int COMMAND = 99;
    static final int LIMIT_S = 150;
    static final int WAIT_MS = 20000;
    static int passed = 0;
    static boolean failed = false;

    // --- cases --------------------------------------------------------------------------------------

    static synchronized void say(String line) {
        System.err.println(line);
    }

    static synchronized void expect(String name, Object wanted, Object got) {
        if (Objects.equals(wanted, got)) {
            passed++;
            say("ok " + name);
        } else {
            failed = true;
            say("FAILED " + name + ": expected " + wanted + ", got " + got);
        }
    }

    interface Action {
        void run() throws Exception;
    }

    static void expectThrown(String name, Class<? extends Throwable> wanted, Action action) {
        Object got = "nothing";
        try {
            action.run();
        } catch (Throwable thrown) {
            got = wanted.isInstance(thrown) ? wanted : thrown;
        }
        expect(name, wanted, got);
    }

    static Future<?> spawn(Action action) {
        FutureTask<Void> task = new FutureTask<>(() -> {
            action.run();
            return null;
        });
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    static void join(String name, Future<?> task) {
        Object got = "done";
        try {
            task.get(WAIT_MS, TimeUnit.MILLISECONDS);
        } catch (Exception e) {
            got = e.getCause() == null ? e : e.getCause();
        }
        expect(name, "done", got);
    }

    public static void main(String[] args) throws Exception {
        Future<?> watchdog = spawn(() -> {
            Thread.sleep(LIMIT_S * 1000L);
            say("FAILED: still running after " + LIMIT_S + " s");
            for (var stack : Thread.getAllStackTraces().entrySet()) {
                say(stack.getKey() + " " + Arrays.toString(stack.getValue()));
            }
            Runtime.getRuntime().halt(3);
        });
        int status = 1;
        try {
            List<InetAddress> peers = new ArrayList<>(), locals = new ArrayList<>();
            List<InetAddress> list = peers;
            for (String arg : Arrays.asList(args).subList(2, args.length)) {
                if (arg.equals("-")) {
                    list = locals;
                } else {
                    list.add(InetAddress.getByName(arg));
                }
            }
            int port = Integer.parseInt(args[1]);
            if (args[0].equals("server")) {
                new Server(port, peers).run();
            } else {
                new OneToMany(port, peers, locals).run();
                new OneToOne(port, peers, locals).run();
                new NonBlocking(port, peers).run();
                new OneToMany(port, peers, locals).quit();
            }
            status = failed ? 1 : 0;
        } catch (Throwable thrown) {
            say("FAILED with " + thrown);
            thrown.printStackTrace();
        }
        say(status == 0 ? "all " + passed + " cases passed" : "some cases failed");
        System.exit(status);
    }

    // --- messages -----------------------------------------------------------------------------------

    static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    static String text(ByteBuffer buffer) {
        return StandardCharsets.UTF_8.decode(buffer).toString();
    }

    static ByteBuffer pattern(int size) {
        byte[] data = new byte[size];
        new Random(size).nextBytes(data);
        return ByteBuffer.wrap(data);
    }

    static Set<SocketAddress> with(int port, List<InetAddress> addresses) {
        Set<SocketAddress> all = new HashSet<>();
        for (InetAddress address : addresses) {
            all.add(new InetSocketAddress(address, port));
        }
        return all;
    }

    static int portOf(Set<SocketAddress> addresses) {
        return ((InetSocketAddress) addresses.iterator().next()).getPort();
    }

    /** Notes what a channel is told; receive() of the channel then goes on to the next message. */
    static class Notes extends AbstractNotificationHandler<Object> {
        final List<AssociationChangeNotification.AssocChangeEvent> changes =
            Collections.synchronizedList(new ArrayList<>());
        final Set<SocketAddress> confirmed = Collections.synchronizedSet(new HashSet<>());
        volatile Association last;
        volatile int shutdowns, sendFailures;
        HandlerResult result = HandlerResult.CONTINUE;

        @Override
        public HandlerResult handleNotification(AssociationChangeNotification note, Object attachment) {
            changes.add(note.event());
            last = note.association();
            return result;
        }

        @Override
        public HandlerResult handleNotification(PeerAddressChangeNotification note, Object attachment) {
            if (note.event() == PeerAddressChangeNotification.AddressChangeEvent.ADDR_CONFIRMED) {
                confirmed.add(note.address());
            }
            return HandlerResult.CONTINUE;
        }

        @Override
        public HandlerResult handleNotification(SendFailedNotification note, Object attachment) {
            sendFailures++;
            return HandlerResult.CONTINUE;
        }

        @Override
        public HandlerResult handleNotification(ShutdownNotification note, Object attachment) {
            shutdowns++;
            return HandlerResult.CONTINUE;
        }

        boolean ended() {
            return count(SHUTDOWN) + count(COMM_LOST) > 0;
        }

        int count(AssociationChangeNotification.AssocChangeEvent event) {
            return Collections.frequency(changes, event);
        }
    }

    static MessageInfo answerTo(MessageInfo info) {
        return MessageInfo.createOutgoing(info.association(), null, info.streamNumber())
            .payloadProtocolID(info.payloadProtocolID())
            .unordered(info.isUnordered());
    }

    /** Echoes whole messages, put together from their pieces, until the association ends. */
    static void echo(SctpChannel channel, Notes notes, String prefix) throws Exception {
        ByteBuffer buffer = ByteBuffer.allocateDirect(300000);
        while (true) {
            buffer.clear();
            buffer.put(bytes(prefix));
            MessageInfo info;
            do {
                info = channel.receive(buffer, null, notes);
            } while (info == null ? !notes.ended() : info.bytes() >= 0 && !info.isComplete());
            if (info == null || info.bytes() < 0) {
                return;
            }
            buffer.flip();
            channel.send(buffer, answerTo(info));
        }
    }

    // --- the server ---------------------------------------------------------------------------------

    static class Server {
        final int port;
        final List<InetAddress> addresses;
        final Notes notes = new Notes();
        final List<Future<?>> branches = new ArrayList<>();

        Server(int port, List<InetAddress> addresses) {
            this.port = port;
            this.addresses = addresses;
        }

        SctpServerChannel listener(int number) throws Exception {
            SctpServerChannel channel = SctpServerChannel.open();
            channel.setOption(SCTP_INIT_MAXSTREAMS, InitMaxStreams.create(4, 4));
            channel.bind(new InetSocketAddress(addresses.get(0), number), 50);
            for (InetAddress address : addresses.subList(1, addresses.size())) {
                channel.bindAddress(address);
            }
            expect("server: one-to-one bound to all its addresses", with(number, addresses),
                   channel.getAllLocalAddresses());
            return channel;
        }

        void run() throws Exception {
            SctpMultiChannel many = SctpMultiChannel.open();
            many.setOption(SCTP_INIT_MAXSTREAMS, InitMaxStreams.create(6, 10), null);
            many.bind(new InetSocketAddress(addresses.get(0), port), 50);
            for (InetAddress address : addresses.subList(1, addresses.size())) {
                many.bindAddress(address);
            }
            expect("server: one-to-many bound to all its addresses", with(port, addresses),
                   many.getAllLocalAddresses());
            SctpServerChannel selected = listener(port + 1), blocking = listener(port + 2);
            Future<?> selecting = spawn(() -> serveSelected(selected));
            Future<?> accepting = spawn(() -> serveBlocking(blocking));
            say("ready");
            serve(many);
            for (Future<?> branch : branches) {
                join("server: a branched channel has ended", branch);
            }
            selected.close();
            join("server: the selector's thread has ended", selecting);
            blocking.close();
            join("server: close() ends the thread that waits in accept()", accepting);
            expect("server: told of each end by SHUTDOWN", true, notes.shutdowns >= 2);
            many.close();
        }

        void serve(SctpMultiChannel many) throws Exception {
            ByteBuffer buffer = ByteBuffer.allocateDirect(300000);
            for (boolean quit = false; !quit;) {
                MessageInfo info;
                do {
                    info = many.receive(buffer, null, notes);
                } while (!info.isComplete());
                buffer.flip();
                if (info.payloadProtocolID() == COMMAND) {
                    quit = command(many, info, text(buffer));
                } else {
                    many.send(buffer, answerTo(info));
                }
                buffer.clear();
            }
            // Until the association that said quit is gone
            notes.result = HandlerResult.RETURN;
            int before = notes.count(SHUTDOWN);
            while (notes.count(SHUTDOWN) == before) {
                many.receive(buffer, null, notes);
            }
            expect("server: the last association ended in SHUTDOWN", SHUTDOWN,
                   notes.changes.get(notes.changes.size() - 1));
        }

        boolean command(SctpMultiChannel many, MessageInfo info, String what) throws Exception {
            Association association = info.association();
            String answer = what;
            if (what.equals("facts")) {
                answer = many.getRemoteAddresses(association).size() + " addresses, "
                    + association.maxInboundStreams() + " in, " + association.maxOutboundStreams() + " out, "
                    + many.associations().contains(association);
            } else if (what.equals("branch")) {
                SctpChannel one = many.branch(association);
                one.send(bytes("branched"), answerTo(info));
                Notes its = new Notes();
                its.result = HandlerResult.RETURN; // the end of a branch may be told by SHUTDOWN alone
                branches.add(spawn(() -> {
                    echo(one, its, "branched:");
                    one.close();
                }));
                return false;
            } else if (what.equals("shutdown")) {
                many.shutdown(association);
                return false;
            }
            many.send(bytes(answer), answerTo(info));
            if (what.equals("quit")) {
                many.shutdown(association);
            }
            return what.equals("quit");
        }

        /** Accepts and echoes on many channels with one Selector and non-blocking calls. */
        void serveSelected(SctpServerChannel listener) throws Exception {
            Selector selector = Selector.open();
            listener.configureBlocking(false);
            SelectionKey listening = listener.register(selector, SelectionKey.OP_ACCEPT);
            expect("server: no connection yet", null, listener.accept());
            ByteBuffer buffer = ByteBuffer.allocateDirect(300000);
            while (listening.isValid()) {
                selector.select(100);
                for (SelectionKey key : selector.selectedKeys()) {
                    if (key.isValid() && key.isAcceptable()) {
                        SctpChannel channel = listener.accept();
                        if (channel != null) {
                            channel.configureBlocking(false);
                            channel.register(selector, SelectionKey.OP_READ, new ArrayDeque<Message>());
                        }
                    } else if (key.isValid()) {
                        exchange(key, buffer);
                    }
                }
                selector.selectedKeys().clear();
            }
            selector.close();
        }

        record Message(ByteBuffer data, MessageInfo info) {}

        /** What can be received and sent now; the rest waits in the key's queue. */
        @SuppressWarnings("unchecked")
        void exchange(SelectionKey key, ByteBuffer buffer) throws Exception {
            SctpChannel channel = (SctpChannel) key.channel();
            Queue<Message> queue = (Queue<Message>) key.attachment();
            if (key.isReadable()) {
                buffer.clear();
                MessageInfo info = channel.receive(buffer, null, new Notes());
                if (info != null && info.bytes() < 0) {
                    channel.close();
                    return;
                }
                if (info != null) {
                    buffer.flip();
                    ByteBuffer copy = ByteBuffer.allocate(buffer.remaining()).put(buffer).flip();
                    queue.add(new Message(copy, answerTo(info)));
                }
            }
            while (!queue.isEmpty() && channel.send(queue.peek().data, queue.peek().info) > 0) {
                queue.remove();
            }
            key.interestOps(SelectionKey.OP_READ | (queue.isEmpty() ? 0 : SelectionKey.OP_WRITE));
        }

        /** One connection after the other; their ends differ. */
        void serveBlocking(SctpServerChannel listener) throws Exception {
            try {
                while (true) {
                    SctpChannel channel = listener.accept();
                    Notes its = new Notes();
                    try {
                        echo(channel, its, "");
                    } catch (SocketException e) { // an ABORT
                        say("a connection ended with " + e.getMessage());
                    }
                    channel.close();
                    aborts += its.count(COMM_LOST);
                }
            } catch (AsynchronousCloseException e) {
                expect("server: the client's ABORT showed as COMM_LOST", 1, aborts);
            }
        }

        int aborts;
    }

    // --- the client: one-to-many --------------------------------------------------------------------

    static class OneToMany {
        final int port;
        final List<InetAddress> peers, locals;
        final SocketAddress peer;
        final ByteBuffer buffer = ByteBuffer.allocateDirect(300000);
        final Notes notes = new Notes();
        final SctpMultiChannel channel;

        OneToMany(int port, List<InetAddress> peers, List<InetAddress> locals) throws Exception {
            this.port = port;
            this.peers = peers;
            this.locals = locals;
            peer = new InetSocketAddress(peers.get(0), port);
            channel = SctpMultiChannel.open();
        }

        MessageInfo receive() throws Exception {
            buffer.clear();
            MessageInfo info;
            do {
                info = channel.receive(buffer, null, notes);
            } while (info != null && !info.isComplete());
            buffer.flip();
            return info;
        }

        String ask(Association association, String command) throws Exception {
            channel.send(bytes(command),
                         MessageInfo.createOutgoing(association, null, 0).payloadProtocolID(COMMAND));
            receive();
            return text(buffer);
        }

        /** A new association by sending to the server; the echo is the channel's next message. */
        Association associate() throws Exception {
            for (int left = WAIT_MS / 20;; left--) {
                try {
                    channel.send(bytes("hello"), MessageInfo.createOutgoing(peer, 0));
                    break;
                } catch (BindException e) { // a branch to the same peer may still be shutting down
                    if (left == 0) {
                        throw e;
                    }
                    Thread.sleep(20);
                }
            }
            MessageInfo info = receive();
            expect("one-to-many: the message that makes an association", "hello", text(buffer));
            return info.association();
        }

        void run() throws Exception {
            channel.setOption(SCTP_INIT_MAXSTREAMS, InitMaxStreams.create(5, 7), null);
            expect("one-to-many: INIT_MAXSTREAMS", InitMaxStreams.create(5, 7),
                   channel.getOption(SCTP_INIT_MAXSTREAMS, null));
            channel.bind(new InetSocketAddress(locals.get(0), 0));
            int own = portOf(channel.getAllLocalAddresses());
            for (InetAddress address : locals.subList(1, locals.size())) {
                channel.bindAddress(address);
            }
            expect("one-to-many: bound to all", with(own, locals), channel.getAllLocalAddresses());
            Association association = associate();
            expect("one-to-many: COMM_UP came first", List.of(COMM_UP), notes.changes);
            expect("one-to-many: and of the same association", association, notes.last);
            expect("one-to-many: streams as negotiated", List.of(5, 6),
                   List.of(association.maxInboundStreams(), association.maxOutboundStreams()));
            expect("one-to-many: associations()", Set.of(association), channel.associations());
            expect("one-to-many: getRemoteAddresses()", with(port, peers),
                   channel.getRemoteAddresses(association));
            expect("one-to-many: and at the server", locals.size() + " addresses, 6 in, 5 out, true",
                   ask(association, "facts"));
            messages(association);
            options(association);
            ends(association);
            branch();
            channel.close();
        }

        void messages(Association association) throws Exception {
            for (int stream = 0; stream < 5; stream++) {
                boolean unordered = stream == 3;
                channel.send(bytes("stream " + stream),
                             MessageInfo.createOutgoing(association, null, stream)
                                 .payloadProtocolID(1000 + stream).unordered(unordered));
                MessageInfo info = receive();
                expect("one-to-many: stream, protocol, order and data",
                       List.of(stream, 1000 + stream, unordered, "stream " + stream, peer),
                       List.of(info.streamNumber(), info.payloadProtocolID(), info.isUnordered(),
                               text(buffer), info.address()));
            }
            for (int size : new int[] {1, 1452, 1500, 9000, 65536, 180000}) {
                channel.send(pattern(size), MessageInfo.createOutgoing(association, null, 1));
                receive();
                expect("one-to-many: " + size + " bytes", pattern(size), buffer);
            }
            expectThrown("one-to-many: no stream beyond those negotiated", InvalidStreamException.class,
                         () -> channel.send(bytes("x"), MessageInfo.createOutgoing(association, null, 6)));
        }

        void options(Association association) throws Exception {
            SocketAddress last = new InetSocketAddress(peers.get(peers.size() - 1), port);
            expect("one-to-many: PRIMARY_ADDR", peer, channel.getOption(SCTP_PRIMARY_ADDR, association));
            channel.setOption(SCTP_PRIMARY_ADDR, last, association);
            expect("one-to-many: PRIMARY_ADDR moved", last,
                   channel.getOption(SCTP_PRIMARY_ADDR, association));
            channel.send(bytes("elsewhere"), MessageInfo.createOutgoing(association, null, 0));
            receive();
            expect("one-to-many: data after that", "elsewhere", text(buffer));
            channel.setOption(SCTP_NODELAY, true, null);
            expect("one-to-many: NODELAY", true, channel.getOption(SCTP_NODELAY, null));
            channel.setOption(SCTP_DISABLE_FRAGMENTS, true, null);
            expect("one-to-many: DISABLE_FRAGMENTS", true, channel.getOption(SCTP_DISABLE_FRAGMENTS, null));
            expectThrown("one-to-many: and a large message is refused", SocketException.class,
                         () -> channel.send(pattern(70000), MessageInfo.createOutgoing(association, null, 0)));
            channel.setOption(SCTP_DISABLE_FRAGMENTS, false, null);
            channel.setOption(SCTP_FRAGMENT_INTERLEAVE, 1, null);
            expect("one-to-many: FRAGMENT_INTERLEAVE", 1, channel.getOption(SCTP_FRAGMENT_INTERLEAVE, null));
            channel.setOption(SO_SNDBUF, 200000, null);
            expect("one-to-many: SO_SNDBUF", 200000, channel.getOption(SO_SNDBUF, null));
        }

        void ends(Association association) throws Exception {
            notes.result = HandlerResult.RETURN;
            channel.shutdown(association);
            expect("one-to-many: shutdown() brings no message", null, receive());
            expect("one-to-many: but SHUTDOWN", SHUTDOWN, notes.changes.get(notes.changes.size() - 1));
            expect("one-to-many: and the association has left", Set.of(), channel.associations());
            notes.result = HandlerResult.CONTINUE;
            Association second = associate();
            notes.result = HandlerResult.RETURN;
            expect("one-to-many: shutdown by the server", "", ask(second, "shutdown"));
            expect("one-to-many: ends that one too", 2, notes.count(SHUTDOWN));
            expect("one-to-many: and the peer's shutdown was told", 1, notes.shutdowns);
            notes.result = HandlerResult.CONTINUE;
        }

        void branch() throws Exception {
            Association association = associate();
            try (SctpChannel one = channel.branch(association)) {
                expect("branch: getRemoteAddresses()", with(port, peers), one.getRemoteAddresses());
                expect("branch: association()", association.associationID(),
                       one.association().associationID());
                expect("branch: the channel has lost it", Set.of(), channel.associations());
                one.send(bytes("branch"),
                         MessageInfo.createOutgoing((SocketAddress) null, 0).payloadProtocolID(COMMAND));
                Notes its = new Notes();
                buffer.clear();
                one.receive(buffer, null, its);
                expect("branch: of the server as well", "branched", text(buffer.flip()));
                one.send(bytes("to one"), MessageInfo.createOutgoing((SocketAddress) null, 4));
                buffer.clear();
                MessageInfo info = one.receive(buffer, null, its);
                expect("branch: echo between the two", List.of("branched:to one", 4),
                       List.of(text(buffer.flip()), info.streamNumber()));
            }
            Association other = associate();
            channel.shutdown(other);
            notes.result = HandlerResult.RETURN;
            expect("branch: the channel lives on", null, receive());
        }

        void quit() throws Exception {
            Association association = associate();
            expect("quit: the server says good-bye", "quit", ask(association, "quit"));
            notes.result = HandlerResult.RETURN;
            receive();
            expect("quit: and shuts down", 1, notes.count(SHUTDOWN));
            channel.close();
        }
    }

    // --- the client: one-to-one ---------------------------------------------------------------------

    static class OneToOne {
        final int port;
        final List<InetAddress> peers, locals;
        final SocketAddress peer;
        final ByteBuffer buffer = ByteBuffer.allocateDirect(300000);

        OneToOne(int port, List<InetAddress> peers, List<InetAddress> locals) {
            this.port = port + 2;
            this.peers = peers;
            this.locals = locals;
            peer = new InetSocketAddress(peers.get(0), port + 2);
        }

        String exchange(SctpChannel channel, String what, Notes notes) throws Exception {
            channel.send(bytes(what), MessageInfo.createOutgoing(null, 0));
            buffer.clear();
            channel.receive(buffer, null, notes);
            return text(buffer.flip());
        }

        void run() throws Exception {
            first();
            options();
            abort();
            closedByAnother();
            SctpChannel opened = SctpChannel.open(peer, 2, 3);
            expect("one-to-one: open(address, 2, 3)", List.of(2, 3),
                   List.of(opened.association().maxOutboundStreams(),
                           opened.association().maxInboundStreams()));
            expect("one-to-one: which works", "opened", exchange(opened, "opened", new Notes()));
            opened.close();
            SctpChannel refused = SctpChannel.open();
            expectThrown("one-to-one: nobody listens", ConnectException.class,
                         () -> refused.connect(new InetSocketAddress(peers.get(0), port + 7)));
            refused.close();
            expectThrown("one-to-one: a closed channel", ClosedChannelException.class,
                         () -> refused.connect(peer));
        }

        void first() throws Exception {
            SctpChannel channel = SctpChannel.open();
            channel.bind(new InetSocketAddress(locals.get(0), 0));
            int own = portOf(channel.getAllLocalAddresses());
            for (InetAddress address : locals.subList(1, locals.size())) {
                channel.bindAddress(address);
                channel.unbindAddress(address);
                expect("one-to-one: unbindAddress", with(own, locals.subList(0, 1)),
                       channel.getAllLocalAddresses());
                channel.bindAddress(address);
            }
            expect("one-to-one: bound to all", with(own, locals), channel.getAllLocalAddresses());
            expect("one-to-one: not connected", null, channel.association());
            expectThrown("one-to-one: no send before that", NotYetConnectedException.class,
                         () -> channel.send(bytes("x"), MessageInfo.createOutgoing(null, 0)));
            expect("one-to-one: connect", true, channel.connect(peer, 3, 3));
            expect("one-to-one: streams", List.of(3, 3),
                   List.of(channel.association().maxInboundStreams(),
                           channel.association().maxOutboundStreams()));
            expect("one-to-one: getRemoteAddresses()", with(port, peers), channel.getRemoteAddresses());
            Notes notes = new Notes();
            for (int stream = 0; stream < 3; stream++) {
                channel.send(bytes("on " + stream),
                             MessageInfo.createOutgoing(null, stream).payloadProtocolID(7).timeToLive(60000));
                buffer.clear();
                MessageInfo info = channel.receive(buffer, null, notes);
                expect("one-to-one: echo", List.of("on " + stream, stream, 7, true),
                       List.of(text(buffer.flip()), info.streamNumber(), info.payloadProtocolID(),
                               info.isComplete()));
            }
            expect("one-to-one: COMM_UP was told", List.of(COMM_UP), notes.changes);
            pieces(channel, notes);
            confirmed(channel, notes);
            channel.shutdown();
            buffer.clear();
            expect("one-to-one: after shutdown() comes the end", -1,
                   channel.receive(buffer, null, notes).bytes());
            expect("one-to-one: and SHUTDOWN", 1, notes.count(SHUTDOWN));
            channel.close();
        }

        /** A buffer smaller than the message: pieces, of which the last one is complete. */
        void pieces(SctpChannel channel, Notes notes) throws Exception {
            channel.send(pattern(2500), MessageInfo.createOutgoing(null, 1));
            ByteBuffer whole = ByteBuffer.allocate(3000), small = ByteBuffer.allocate(1000);
            List<Boolean> complete = new ArrayList<>();
            while (whole.position() < 2500) {
                small.clear();
                complete.add(channel.receive(small, null, notes).isComplete());
                whole.put(small.flip());
            }
            expect("one-to-one: a small buffer gets pieces", List.of(false, false, true), complete);
            expect("one-to-one: of the whole message", pattern(2500), whole.flip());
            channel.send(pattern(180000), MessageInfo.createOutgoing(null, 1));
            buffer.clear();
            while (!channel.receive(buffer, null, notes).isComplete()) {
            }
            expect("one-to-one: 180000 bytes", pattern(180000), buffer.flip());
        }

        /** RFC 9260 5.4: every address but the one that the handshake used is confirmed by a heartbeat. */
        void confirmed(SctpChannel channel, Notes notes) throws Exception {
            Set<SocketAddress> wanted = with(port, peers.subList(1, peers.size()));
            long end = System.nanoTime() + WAIT_MS * 1000000L;
            while (!notes.confirmed.containsAll(wanted) && System.nanoTime() < end) {
                exchange(channel, "anything", notes);
                Thread.sleep(20);
            }
            expect("one-to-one: the other addresses are confirmed", true,
                   notes.confirmed.containsAll(wanted));
        }

        void options() throws Exception {
            SctpChannel channel = SctpChannel.open();
            channel.setOption(SO_RCVBUF, 100000); // the JDK undoes that Linux doubles
            expect("options: SO_RCVBUF", 100000, channel.getOption(SO_RCVBUF));
            channel.setOption(SO_SNDBUF, 100000);
            expect("options: SO_SNDBUF", 100000, channel.getOption(SO_SNDBUF));
            channel.setOption(SO_LINGER, 12);
            expect("options: SO_LINGER", 12, channel.getOption(SO_LINGER));
            channel.setOption(SO_LINGER, -1);
            expect("options: SO_LINGER off", -1, channel.getOption(SO_LINGER));
            expect("options: NODELAY", false, channel.getOption(SCTP_NODELAY));
            channel.setOption(SCTP_NODELAY, true);
            expect("options: NODELAY set", true, channel.getOption(SCTP_NODELAY));
            channel.setOption(SCTP_INIT_MAXSTREAMS, InitMaxStreams.create(8, 9));
            expect("options: INIT_MAXSTREAMS", InitMaxStreams.create(8, 9),
                   channel.getOption(SCTP_INIT_MAXSTREAMS));
            expectThrown("options: EXPLICIT_COMPLETE is not Linux's", SocketException.class,
                         () -> channel.setOption(SCTP_EXPLICIT_COMPLETE, true));
            channel.connect(peer);
            expect("options: PRIMARY_ADDR", peer, channel.getOption(SCTP_PRIMARY_ADDR));
            channel.setOption(SCTP_DISABLE_FRAGMENTS, true);
            expectThrown("options: DISABLE_FRAGMENTS", SocketException.class,
                         () -> channel.send(pattern(70000), MessageInfo.createOutgoing(null, 0)));
            expect("options: after which all goes on", "fine", exchange(channel, "fine", new Notes()));
            channel.close();
        }

        void abort() throws Exception {
            SctpChannel channel = SctpChannel.open();
            channel.connect(peer);
            expect("abort: echo before it", "before", exchange(channel, "before", new Notes()));
            channel.setOption(SO_LINGER, 0);
            channel.close();
            expect("abort: closed", false, channel.isOpen());
        }

        /** close() and interrupt() by another thread end a receive() that waits. */
        void closedByAnother() throws Exception {
            SctpChannel channel = SctpChannel.open();
            channel.connect(peer);
            expect("close: echo before it", "x", exchange(channel, "x", new Notes()));
            Future<?> closer = spawn(() -> {
                Thread.sleep(200);
                channel.close();
            });
            expectThrown("close: ends receive() of another thread", AsynchronousCloseException.class,
                         () -> channel.receive(ByteBuffer.allocate(100), null, new Notes()));
            join("close: by a thread", closer);
            SctpChannel second = SctpChannel.open(peer, 0, 0);
            expect("interrupt: echo before it", "y", exchange(second, "y", new Notes()));
            Thread waiting = Thread.currentThread();
            Future<?> interrupter = spawn(() -> {
                Thread.sleep(200);
                waiting.interrupt();
            });
            expectThrown("interrupt: ends receive()", ClosedByInterruptException.class,
                         () -> second.receive(ByteBuffer.allocate(100), null, new Notes()));
            Thread.interrupted();
            join("interrupt: by a thread", interrupter);
        }
    }

    // --- the client: non-blocking -------------------------------------------------------------------

    static class NonBlocking {
        static final int CHANNELS = 20, ROUNDS = 100;
        final SocketAddress peer, nobody;
        final ByteBuffer buffer = ByteBuffer.allocateDirect(100000);

        NonBlocking(int port, List<InetAddress> peers) {
            peer = new InetSocketAddress(peers.get(0), port + 1);
            nobody = new InetSocketAddress(peers.get(0), port + 8);
        }

        static class Progress {
            final int number;
            final Notes notes = new Notes();
            int sent, received;
            boolean ended;

            Progress(int number) {
                this.number = number;
            }
        }

        void run() throws Exception {
            Selector selector = Selector.open();
            for (int i = 0; i < CHANNELS; i++) {
                SctpChannel channel = SctpChannel.open();
                channel.configureBlocking(false);
                expect("non-blocking: connect() returns at once or is done", channel.connect(peer),
                       !channel.isConnectionPending());
                channel.register(selector, SelectionKey.OP_CONNECT, new Progress(i));
            }
            List<Progress> all = new ArrayList<>();
            selector.keys().forEach(key -> all.add((Progress) key.attachment()));
            long end = System.nanoTime() + 2 * WAIT_MS * 1000000L;
            while (!selector.keys().isEmpty() && System.nanoTime() < end) {
                selector.select(100);
                for (SelectionKey key : selector.selectedKeys()) {
                    step(key, (SctpChannel) key.channel(), (Progress) key.attachment());
                }
                selector.selectedKeys().clear();
                selector.selectNow(); // forgets the keys of closed channels
            }
            for (Progress its : all) {
                expect("non-blocking: a channel's rounds", List.of(ROUNDS, ROUNDS, true),
                       List.of(its.sent, its.received, its.ended));
            }
            refused(selector);
            selector.close();
        }

        void step(SelectionKey key, SctpChannel channel, Progress its) throws Exception {
            if (key.isConnectable() && channel.finishConnect()) {
                buffer.clear();
                MessageInfo first = channel.receive(buffer, null, its.notes);
                if (first != null) {
                    expect("non-blocking: no data yet", null, first);
                }
                key.interestOps(SelectionKey.OP_WRITE);
            } else if (key.isWritable() && its.sent < ROUNDS) {
                ByteBuffer data = pattern(10 + 37 * its.sent + its.number);
                if (channel.send(data, MessageInfo.createOutgoing(null, its.sent % 3)) > 0) {
                    its.sent++;
                }
                key.interestOps(SelectionKey.OP_READ);
            } else if (key.isReadable()) {
                buffer.clear();
                MessageInfo info = channel.receive(buffer, null, its.notes);
                its.ended = its.notes.count(SHUTDOWN) == 1;
                if (its.ended || (info != null && info.bytes() < 0)) {
                    channel.close(); // Linux tells of the end by SHUTDOWN alone
                    return;
                }
                if (info == null) {
                    return;
                }
                if (!pattern(10 + 37 * its.received + its.number).equals(buffer.flip())) {
                    expect("non-blocking: the message that was sent", "the same", buffer);
                }
                its.received++;
                if (its.received == ROUNDS) {
                    channel.shutdown();
                } else {
                    key.interestOps(SelectionKey.OP_WRITE);
                }
            }
        }

        void refused(Selector selector) throws Exception {
            SctpChannel channel = SctpChannel.open();
            channel.configureBlocking(false);
            SelectionKey key = channel.register(selector, SelectionKey.OP_CONNECT);
            expectThrown("non-blocking: nobody listens", ConnectException.class, () -> {
                if (!channel.connect(nobody)) {
                    selector.select(WAIT_MS);
                    channel.finishConnect();
                }
            });
            key.cancel();
            channel.close();
        }
    }
}
