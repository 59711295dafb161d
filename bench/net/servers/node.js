// Echo on Node.js.
'use strict'
const net = require('net')

net.createServer(socket => {
  socket.setNoDelay(true)
  socket.on('data', data => socket.write(data))
  socket.on('error', () => {})
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 1024 })
