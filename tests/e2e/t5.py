import sys, harness, mail, interrupted, os, glob
from tap import equal
n=0
for i in range(int(sys.argv[1])):
    ms=interrupted.small_messages(30+i,3000)
    with harness.Session() as s:
        conf=None
        s.add(); 
        s.sync()
        src=s.remote_connection(); mail.fill(src,"INBOX",ms)
        tgt=s.local_connection()
        job=s.start_sync()
        harness.wait_for(lambda: interrupted.count_in(tgt)>=900, "30%")
        tgt.logout(); src.logout()
        s.kill_daemon()
        # who is left
        left=os.popen("ps -u nobody -o pid,ppid,stat,args | grep 'imap -c'|grep -v grep").read()
        s.start_daemon()
        job=s.start_sync(); r=job.wait()
        print(i, r[0], job.get("Error")[1], "LEFT", left)
        if r[0]!="done":
            for k in range(3):
                job=s.start_sync(); print("again", job.wait()[0], interrupted.faults(s,ms))
