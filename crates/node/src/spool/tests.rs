//! Recordings on their way to real files: whole ones, cut ones, and a disk that is full.

use super::*;
use model::RecordingFault;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::channel;
use tempfile::TempDir;

const TENANT: TenantId = TenantId(3);
const SESSION: MediaSessionId = MediaSessionId(3 << 32 | 1);

fn id(number: u64) -> RecordingId {
    RecordingId {
        tenant: TENANT,
        number,
    }
}

/// A spool without its thread: everything is done when it is given.
struct Bench {
    dir: TempDir,
    spooler: Spooler,
    failed: Receiver<RecordingId>,
}

fn spooler(dir: &Path) -> (Spooler, Receiver<RecordingId>) {
    let (items, received) = channel();
    let desk = Arc::new(SpoolDesk::new(dir, items));
    desk.set_room(TENANT, 1);
    let (told, failed) = channel();
    let tell: Tell = Box::new(move |_, item| match item {
        MediaItem::SpoolFailed(_, id) => drop(told.send(id)),
        _ => panic!("nothing else is told"),
    });
    (
        Spooler::new(desk, Clock::new(), 0, received, tell).unwrap(),
        failed,
    )
}

impl Bench {
    fn new() -> Bench {
        let dir = TempDir::new().unwrap();
        let (spooler, failed) = spooler(dir.path());
        Bench { dir, spooler, failed }
    }

    fn give(&mut self, spool: Spool) {
        assert!(self.spooler.desk.write(0, SESSION, spool));
        let Ok(SpoolItem::Write {
            worker,
            session,
            spool,
        }) = self.spooler.items.try_recv()
        else {
            panic!("nothing to write")
        };
        self.spooler.write(worker, session, spool);
    }

    fn begin(&mut self, number: u64, format: Container) {
        self.give(Spool::Begin {
            recording: id(number),
            call: None,
            format,
            channels: 2,
        });
    }

    fn path(&self, number: u64, extension: &str) -> PathBuf {
        self.dir
            .path()
            .join(format!("recordings/3/{number:016x}.{extension}"))
    }

    /// As if the process had been killed here and started again.
    fn restart(&mut self) -> Vec<RecordingRecord> {
        (self.spooler, self.failed) = spooler(self.dir.path());
        self.spooler.desk.take_finished()
    }
}

fn wav(number: u64, octets: usize) -> Spool {
    Spool::Block {
        recording: id(number),
        octets: vec![1; octets],
    }
}

fn end(number: u64, ms: u64) -> Spool {
    Spool::End {
        recording: id(number),
        ms,
        end: RecordingEnd::Stopped,
        head: b"HEAD".to_vec(),
    }
}

#[test]
fn a_whole_recording_is_a_private_file_and_a_record() {
    let mut bench = Bench::new();
    bench.begin(0xAB, Container::Wav);
    bench.give(wav(0xAB, 1_000));
    bench.give(Spool::Mark {
        recording: id(0xAB),
        at_ms: 20,
        name: "here".into(),
    });
    bench.give(wav(0xAB, 500));
    bench.spooler.sync();
    bench.give(end(0xAB, 40));
    let records = bench.spooler.desk.take_finished();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (records[0].octets, records[0].ms, records[0].marks.len()),
        (1_500, 40, 1)
    );
    let file = std::fs::read(bench.path(0xAB, "wav")).unwrap();
    assert!(file.len() == 1_500 && file.starts_with(b"HEAD\x01"));
    for path in [bench.path(0xAB, "wav"), bench.path(0xAB, "note")] {
        assert_eq!(
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let dir = std::fs::metadata(bench.dir.path().join("recordings/3")).unwrap();
    assert_eq!(dir.permissions().mode() & 0o777, 0o700);
    // Until the database has it, each start finds it again.
    assert_eq!(bench.restart(), records);
    bench.spooler.desk.forget(id(0xAB));
    assert_eq!(bench.restart(), []);
    assert!(bench.path(0xAB, "wav").exists());
}

#[test]
fn one_that_a_kill_cut_gets_its_end_at_the_next_start() {
    let mut bench = Bench::new();
    bench.begin(1, Container::Wav);
    bench.give(wav(1, 44 + 32_000 + 3));
    // Nothing was heard before the kill.
    bench.begin(2, Container::Wav);
    bench.begin(3, Container::OggOpus);
    let records = bench.restart();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (records[0].ms, records[0].octets, records[0].end),
        (1_000, 32_044, RecordingEnd::Cut)
    );
    let file = std::fs::read(bench.path(1, "wav")).unwrap();
    assert!(file.len() == 32_044 && file.starts_with(b"RIFF"));
    for number in [2, 3] {
        assert!(!bench.path(number, "note").exists(), "{number}");
    }
    let mut counts = Counts::default();
    bench.spooler.desk.count(&mut counts);
    assert_eq!(counts.recordings_cut, 1);
    assert_eq!(bench.restart(), records);
}

#[test]
fn a_folder_that_cannot_be_read_keeps_no_other_from_its_end() {
    let mut bench = Bench::new();
    bench.begin(1, Container::Wav);
    bench.give(wav(1, 44 + 32_000));
    // Folders are read in any order.
    for tenant in [1, 2, 4, 5, 6, 7] {
        std::fs::write(bench.dir.path().join(format!("recordings/{tenant}")), "no folder").unwrap();
    }
    assert_eq!(bench.restart().len(), 1);
}

#[test]
fn an_ogg_file_that_was_cut_is_mended() {
    let mut bench = Bench::new();
    bench.begin(1, Container::OggOpus);
    // Two headers and half a second of silence, and the beginning of a page.
    let mut file = Vec::new();
    let head = audio::ogg::Head::new(1, 8_000, 312);
    let mut writer = audio::ogg::Writer::begin(&head, &audio::ogg::Tags::default(), 1, &mut file);
    for _ in 0..26 {
        writer.packet(&[19 << 3], &mut file).unwrap();
    }
    file.extend(b"OggS\x00");
    bench.give(Spool::Block {
        recording: id(1),
        octets: file.clone(),
    });
    let records = bench.restart();
    assert_eq!((records.len(), records[0].ms), (1, 493));
    let mended = std::fs::read(bench.path(1, "opus")).unwrap();
    assert_eq!(mended.len(), file.len() - 5 + 27);
}

#[test]
fn a_full_disk_fails_the_recording_and_is_counted() {
    let mut bench = Bench::new();
    let full = |path: &Path| -> io::Result<File> {
        match path.extension().is_some_and(|e| e == "note") {
            true => file::create(path),
            false => OpenOptions::new().write(true).open("/dev/full"),
        }
    };
    bench.spooler.create = full;
    bench.begin(1, Container::Wav);
    assert!(bench.failed.try_recv().is_err());
    bench.give(wav(1, 1_000));
    assert_eq!(bench.failed.try_recv(), Ok(id(1)));
    // What is still under way for it goes nowhere.
    bench.give(wav(1, 1_000));
    bench.give(end(1, 40));
    assert!(bench.failed.try_recv().is_err());
    let mut counts = Counts::default();
    bench.spooler.desk.count(&mut counts);
    assert_eq!((counts.recordings, counts.recordings_failed), (1, 1));
    assert!(bench.spooler.trouble.is_some());
    bench.spooler.sync();
    assert!(bench.spooler.trouble.is_none());
    // The next one is written.
    bench.spooler.create = file::create;
    bench.begin(2, Container::Wav);
    bench.give(wav(2, 1_000));
    bench.give(end(2, 30));
    assert_eq!(bench.spooler.desk.take_finished().len(), 1);
}

#[test]
fn a_tenant_has_no_more_than_its_room_and_gets_it_back() {
    let mut bench = Bench::new();
    bench.begin(1, Container::Wav);
    bench.give(wav(1, 900_000));
    bench.give(wav(1, 200_000));
    assert_eq!(bench.failed.try_recv(), Ok(id(1)));
    // What was written before stays.
    let records = bench.spooler.desk.take_finished();
    assert_eq!((records.len(), records[0].end), (1, RecordingEnd::Failed));
    assert_eq!(records[0].why, Some(RecordingFault::TenantFull));
    assert!(records[0].ms > 28_000);
    bench.give(Spool::Begin {
        recording: RecordingId {
            tenant: TenantId(4),
            number: 1,
        },
        call: None,
        format: Container::Wav,
        channels: 1,
    });
    assert!(bench.failed.try_recv().is_ok(), "a tenant without room");
    bench.spooler.desk.set_room(TENANT, 0);
    bench.begin(2, Container::Wav);
    assert_eq!(bench.failed.try_recv(), Ok(id(2)));
    // Deleted by a command of another process.
    bench.spooler.desk.set_room(TENANT, 1);
    std::fs::remove_file(bench.path(1, "wav")).unwrap();
    bench.spooler.used.remove(&TENANT);
    bench.begin(3, Container::Wav);
    assert!(bench.failed.try_recv().is_err());
}

#[test]
fn a_disk_that_is_nearly_full_refuses_new_ones() {
    let mut bench = Bench::new();
    bench.spooler.reserve = u64::MAX;
    bench.begin(1, Container::Wav);
    assert_eq!(bench.failed.try_recv(), Ok(id(1)));
    assert!(!bench.path(1, "note").exists());
    bench.spooler.sync();
    assert!(bench.spooler.trouble.is_some());
}

#[test]
fn what_is_discarded_and_what_is_empty_leaves_nothing() {
    let mut bench = Bench::new();
    bench.begin(1, Container::Wav);
    bench.give(wav(1, 1_000));
    bench.give(Spool::Discard { recording: id(1) });
    bench.begin(2, Container::Wav);
    bench.give(end(2, 0));
    let left = std::fs::read_dir(bench.dir.path().join("recordings/3"))
        .unwrap()
        .count();
    assert_eq!((left, bench.spooler.desk.take_finished().len()), (0, 0));
}

#[test]
fn too_much_that_waits_is_refused() {
    let bench = Bench::new();
    let desk = &bench.spooler.desk;
    let mut taken = 0_usize;
    while desk.write(0, SESSION, wav(1, 1 << 20)) {
        taken += 1;
        assert!(taken <= 65);
    }
    assert!(taken >= 63);
    assert!(desk.write(0, SESSION, end(1, 20)), "an end is always taken");
}

#[test]
fn a_recording_is_played_to_its_own_tenant_alone() {
    let mut bench = Bench::new();
    bench.begin(1, Container::Wav);
    let head = [
        &b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data"[..],
        &16_000_u32.to_le_bytes(),
    ]
    .concat();
    bench.give(Spool::Block {
        recording: id(1),
        octets: [head, vec![1; 16_000]].concat(),
    });
    bench.give(Spool::End {
        recording: id(1),
        ms: 1_000,
        end: RecordingEnd::Stopped,
        head: Vec::new(),
    });
    let desk = &bench.spooler.desk;
    assert_eq!(desk.samples(TENANT, id(1), 8_000).map(|s| s.len()), Some(8_000));
    assert_eq!(desk.samples(TENANT, id(1), 16_000).map(|s| s.len()), Some(16_000));
    assert!(desk.samples(TenantId(4), id(1), 8_000).is_none());
    assert!(desk.samples(TENANT, id(2), 8_000).is_none());
    std::fs::write(bench.path(1, "wav"), b"damaged").unwrap();
    assert!(desk.samples(TENANT, id(1), 8_000).is_none());
}

/// Does what waits for the thread.
fn catch_up(bench: &mut Bench) {
    while let Ok(item) = bench.spooler.items.try_recv() {
        bench.spooler.serve(item);
    }
}

#[test]
fn a_recording_whose_block_finds_no_room_in_the_queue_is_ended_and_kept() {
    let mut bench = Bench::new();
    bench.spooler.desk.set_room(TENANT, 1_000);
    bench.begin(1, Container::Wav);
    bench.give(wav(1, 1_000));
    while bench.spooler.desk.write(0, SESSION, wav(2, 1 << 20)) {}
    assert!(!bench.spooler.desk.write(0, SESSION, wav(1, 1_000)));
    assert!(!bench.spooler.desk.write(
        0,
        SESSION,
        Spool::Begin {
            recording: id(3),
            call: None,
            format: Container::Wav,
            channels: 1,
        }
    ));
    catch_up(&mut bench);
    assert!(
        bench.spooler.files.is_empty(),
        "a file stays open until the next start"
    );
    let records = bench.spooler.desk.take_finished();
    assert_eq!(
        records.iter().map(|r| (r.id, r.end, r.why)).collect::<Vec<_>>(),
        [(id(1), RecordingEnd::Failed, Some(RecordingFault::DiskSlow))]
    );
    let mut counts = Counts::default();
    bench.spooler.desk.count(&mut counts);
    assert!(counts.recordings_failed >= 2, "{counts:?}");
}

#[test]
fn a_recording_whose_sound_cannot_be_made_leaves_no_note() {
    let mut bench = Bench::new();
    bench.spooler.create = |path| match path.extension().is_some_and(|e| e == "note") {
        true => file::create(path),
        false => Err(io::ErrorKind::StorageFull.into()),
    };
    bench.begin(1, Container::Wav);
    assert_eq!(bench.failed.try_recv(), Ok(id(1)));
    assert!(!bench.path(1, "note").exists());
}

#[test]
fn a_note_that_was_cut_inside_a_character_is_read() {
    let mut bench = Bench::new();
    bench.begin(1, Container::Wav);
    bench.give(wav(1, 16_044));
    bench.give(Spool::Mark {
        recording: id(1),
        at_ms: 20,
        name: "müde".into(),
    });
    let note = bench.path(1, "note");
    let octets = std::fs::read(&note).unwrap();
    let cut = octets.iter().rposition(|b| *b == 0xC3).unwrap();
    std::fs::write(&note, &octets[..=cut]).unwrap();
    let records = bench.restart();
    assert_eq!((records.len(), records[0].end), (1, RecordingEnd::Cut));
    // Its end stands in the note now, behind what was cut.
    assert_eq!(bench.restart(), records);
}

/// On a disk without an octet of room not even the end of a recording can be noted: that is done as soon as there is room.
#[test]
fn a_recording_that_a_full_disk_left_gets_its_end_when_there_is_room() {
    let mut bench = Bench::new();
    bench.begin(1, Container::Wav);
    bench.give(wav(1, 44 + 32_000));
    bench.begin(2, Container::Wav);
    bench.give(wav(2, 44 + 16_000));
    // A note that can't be opened stands for one that can't be written.
    let notes = [1, 2].map(|number| bench.path(number, "note"));
    let aside = bench.dir.path().join("aside");
    std::fs::rename(&notes[0], &aside).unwrap();
    std::fs::create_dir(&notes[0]).unwrap();
    bench.spooler.fail(id(1), &Trouble::nearly_full());
    assert!(bench.spooler.desk.take_finished().is_empty());
    bench.spooler.sync();
    assert!(bench.spooler.desk.take_finished().is_empty(), "not yet");
    std::fs::remove_dir(&notes[0]).unwrap();
    std::fs::rename(&aside, &notes[0]).unwrap();
    bench.spooler.sync();
    let records = bench.spooler.desk.take_finished();
    let [record] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(
        (record.id, record.ms, record.end, record.why),
        (id(1), 1_000, RecordingEnd::Failed, Some(RecordingFault::DiskFull))
    );
    // The other one was not touched, and why the first one failed is in its note.
    bench.give(wav(2, 16_000));
    let found = bench.restart();
    assert_eq!(found.len(), 2);
    assert!(found.contains(record), "{found:?}");
    assert!(
        found
            .iter()
            .any(|other| other.end == RecordingEnd::Cut && other.why.is_none())
    );
}

#[test]
fn a_note_that_finds_no_room_leaves_nothing() {
    let mut bench = Bench::new();
    bench.spooler.create = |path| {
        file::create(path)?;
        OpenOptions::new().write(true).open("/dev/full")
    };
    bench.begin(1, Container::Wav);
    assert_eq!(bench.failed.try_recv(), Ok(id(1)));
    let left = std::fs::read_dir(bench.dir.path().join("recordings/3")).unwrap();
    assert_eq!(left.count(), 0);
}
